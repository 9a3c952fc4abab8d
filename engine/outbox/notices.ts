// Reads what people have to see to in the changes, for one reader, and tells it: one notice after the other.
// Invariants: the reader's position moves over a notice when whoever is told has taken it, and not before: one that was under way
// when the process ended is told again, under the same id. Nothing is told twice at once. What cannot be read now is read later.
import type { Change, Changes } from '../ledger/changes';
import type { Endpoint, Endpoints, NewEndpoint } from '../ledger/endpoints';
import type { Entry, Outbox } from '../ledger/outbox';
import { backoffDelay } from '../runtime/backoff';
import { Bell } from '../runtime/bell';
import { errorText, type Log } from '../runtime/log';
import { monotonicNow, pause } from '../runtime/time';
import type { Wake } from '../signal/wake';
import { type NoticeKind, NOTICES, typeOf } from './reader';
import { shownAddress } from './webhook/webhook-url';

const PAGE = 200;
const POLL_MS = 2_000;
const GATHER_MS = 200;
const STORE_MS = 60_000;
const AFTER_FAULT = { firstMs: 1_000, mostMs: 60_000 };

export interface Notice {
  /** The change's: the same whenever it is told. */
  readonly id: string;
  readonly kind: NoticeKind;
  /** ms since 1970. */
  readonly at: number;
  /** As the log tells of it now. Null: it is not kept any more, or the notice is of an endpoint. */
  readonly entry: Entry | null;
  /** Of an endpoint that was set aside; its URL as people see it, for a token may stand in it. */
  readonly endpoint: Pick<Endpoint, 'name' | 'url' | 'asideReason'> | null;
}

export interface NoticesAsked {
  readonly kinds: readonly NoticeKind[];
  /** Of entries: null: all. */
  readonly workflowIds: readonly string[] | null;
  readonly entryKind: string | null;
}

export interface NoticePorts {
  readonly ledger: Pick<Changes, 'changes' | 'changePositions'> &
    Pick<Endpoints, 'endpoints' | 'saveEndpoint' | 'tellEndpoint'> &
    Pick<Outbox, 'entriesOf'>;
  readonly wake: Pick<Wake, 'listenToAll'>;
  readonly log: Log;
  readonly reader: NewEndpoint;
  readonly asked: NoticesAsked;
  /** Resolves when it is taken; rejects: it is told again. */
  readonly tell: (notice: Notice, signal: AbortSignal) => Promise<void>;
  /** It cannot go on now, each time that it is tried. */
  readonly stuck?: (error: unknown) => void;
  /** It goes on after that. */
  readonly freed?: () => void;
}

export class Notices {
  readonly #ports: NoticePorts;
  readonly #bell = new Bell<'look'>(pause);
  /** How far it was read since its position was stored. */
  #read: { readonly stored: string; readonly at: string; readonly storedAt: number } | undefined;

  constructor(ports: NoticePorts) {
    this.#ports = ports;
  }

  /** From now on, if it is new: what becomes so is told. @throws LedgerFault */
  async begin(): Promise<void> {
    await this.#reader();
  }

  /** Resolves after the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { wake, log, reader, stuck, freed } = this.#ports;
    const deafen = wake.listenToAll(() => this.#bell.ring('look'));
    try {
      for (let failures = 0; !signal.aborted;) {
        this.#bell.take('look');
        try {
          const isMore = await this.look(signal);
          if (failures > 0) freed?.();
          failures = 0;
          await pause(GATHER_MS, signal);
          if (!isMore) await this.#bell.wait(POLL_MS, ['look'], signal);
        } catch (error) {
          if (isOver(signal)) return;
          if (++failures === 1)
            log.warn(
              `${reader.name} cannot go on yet, and tries again from where it was: ${errorText(error)}`,
            );
          stuck?.(error);
          await pause(backoffDelay(failures, AFTER_FAULT), signal);
        }
      }
    } finally {
      deafen();
    }
  }

  /** Tells what is there. @returns whether there is more */
  async look(signal: AbortSignal): Promise<boolean> {
    const { ledger, log } = this.#ports;
    const { id, name, position } = await this.#reader();
    const from = this.#read?.stored === position ? this.#read.at : position;
    const page = await ledger.changes(from, PAGE);
    if (page === 'reset') {
      const { oldest } = await ledger.changePositions();
      if (await ledger.tellEndpoint(id, { from: position, to: oldest, missed: true }, []))
        log.warn(
          `${name} was away for longer than changes are kept: what failed before that is in the log only`,
        );
      return true;
    }
    let at = position;
    for (const notice of await this.#noticesIn(page.changes)) {
      if (signal.aborted) return false;
      await this.#ports.tell(notice, signal);
      if (!(await ledger.tellEndpoint(id, { from: at, to: notice.id }, []))) return true;
      at = notice.id;
    }
    // What was nothing for it need not be stored each time: to read it again is harmless.
    const storedAt = this.#read?.stored === at ? this.#read.storedAt : monotonicNow();
    if (monotonicNow() - storedAt < STORE_MS) this.#read = { stored: at, at: page.position, storedAt };
    else if (page.position !== at) await ledger.tellEndpoint(id, { from: at, to: page.position }, []);
    return page.more;
  }

  /** Made anew where a person has removed it: from now on. */
  async #reader(): Promise<Endpoint> {
    const { ledger, reader } = this.#ports;
    const known = (await ledger.endpoints()).find(({ name }) => name === reader.name);
    if (known && known.asideSince === null) return known;
    return ledger.saveEndpoint(reader, reader.name);
  }

  async #noticesIn(changes: readonly Change[]): Promise<readonly Notice[]> {
    const { ledger, asked } = this.#ports;
    const found = changes.flatMap((change) => {
      const kind = NOTICES.find((one) => typeOf(one) === change.type);
      return kind && asked.kinds.includes(kind) && isMeant(change, kind) ? [{ change, kind }] : [];
    });
    if (found.length === 0) return [];
    const ids = found.flatMap(({ change }) => textIn(change, 'entry') ?? []);
    const entries = new Map(
      (await ledger.entriesOf({ ids: [...new Set(ids)] })).map((entry) => [entry.id, entry]),
    );
    const endpoints = found.some(({ kind }) => kind === 'endpointAside') ? await ledger.endpoints() : [];
    return found.flatMap(({ change, kind }) => {
      const entry = entries.get(textIn(change, 'entry') ?? '') ?? null;
      if (kind !== 'endpointAside' && !isAsked(asked, change, entry)) return [];
      const endpointName = textIn(change, 'endpoint');
      const endpoint = endpoints.find(({ name }) => name === endpointName);
      const aside =
        endpointName === null
          ? null
          : {
              name: endpointName,
              url: shownAddress(endpoint?.url ?? ''),
              asideReason: endpoint?.asideReason ?? null,
            };
      return [{ id: change.position, kind, at: change.at, entry, endpoint: aside }];
    });
  }
}

// It may be aborted while something is waited for, which the compiler does not see.
const isOver = (signal: AbortSignal): boolean => signal.aborted;

const textIn = ({ details }: Change, name: string): string | null => {
  const value = details[name];
  return typeof value === 'string' ? value : null;
};

const isMeant = ({ details }: Change, kind: NoticeKind): boolean =>
  kind !== 'endpointAside' || details['what'] === 'setAside';

function isAsked({ workflowIds, entryKind }: NoticesAsked, change: Change, entry: Entry | null): boolean {
  const workflow = entry?.origin.workflowId ?? textIn(change, 'workflow') ?? change.workflowId;
  const kind = entry?.kind ?? textIn(change, 'kind');
  return (
    (workflowIds === null || (workflow !== null && workflowIds.includes(workflow))) &&
    (entryKind === null || kind === entryKind)
  );
}
