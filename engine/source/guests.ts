// The subscriptions on an account's sources whose triggers listen in other processes: whoever reads a source reads it for
// them, too, by the readings that the ledger keeps (engine/ledger/readings.ts).
// Invariants: one question an account, not a source; who listens in this process is no guest, nor who has just stopped to; a
// reading that cannot be compiled here keeps nobody else from their mail, and its trigger hears of it.
import type { Members } from '../ledger/members';
import type { Readings, ReadSubscription } from '../ledger/readings';
import { sourceName } from '../ledger/keys';
import type { SourceKey } from '../ledger/sources';
import { errorText, type Log } from '../runtime/log';
import { monotonicNow } from '../runtime/time';
import type { Wake } from '../signal/wake';
import { accountKey } from './notices';
import type { Subscriber } from './source';
import { UncompiledReadings } from './uncompiled';

const LOOK_EVERY_MS = 60_000;
/** However often triggers come and go. */
const LEAST_BETWEEN_MS = 1_000;
/** Who stopped to listen here is served by nobody by then, or by another process. */
const LEFT_MS = 2 * 60_000;
/** It may have become this process that reads the source. */
const TELL_EVERY_MS = 2_000;

export interface GuestPorts<Reading> {
  readonly ledger: Pick<Readings, 'readings'> & GuestsLedger;
  readonly wake: Pick<Wake, 'listen'>;
  readonly log: Log;
  /** What a reading comes to here. @throws Error that says why it cannot be compiled */
  readonly compile: (read: ReadSubscription) => Reading;
}

type GuestsLedger = Pick<Members, 'complain'>;

type Guest<Login, Reading> = Subscriber<Login, Reading>;

/** How somebody reads for a trigger that listens elsewhere: what is wrong for it goes to the log, and to it by the ledger. */
export function guestOf<Login, Reading>(
  read: ReadSubscription,
  reading: Reading,
  login: () => Promise<Login>,
  { ledger, log }: { readonly ledger: GuestsLedger; readonly log: Log },
): Guest<Login, Reading> {
  const { id, sourceId, placed, createdAt, workflowId, nodeName, nodeId, settings } = read;
  const trigger = `the trigger "${nodeName ?? nodeId}" of workflow ${workflowId}`;
  const report = (fault: Error): void =>
    log.warn(`For ${trigger}, which listens in another process: ${fault.message}`);
  const warn = (fault: Error): void => {
    report(fault);
    complain({ ledger, log }, id, fault.message);
  };
  const skipBefore = skipBeforeOf(read);
  return {
    subscription: { id, sourceId, cursor: placed ? {} : null, createdAt, nodeIds: [id] },
    reading,
    outage: { afterMs: null, whenOver: false },
    hasActions: settings.afterSuccess !== null || settings.whenDead !== null,
    mostConnections: Infinity,
    joinedAt: skipBefore ?? createdAt,
    ...(skipBefore !== null && { passesOverUntil: skipBefore }),
    ...{ isGuest: true, isToldElsewhere: true },
    begun: () => true,
    synced: () => undefined,
    login,
    // How the source is doing is in the ledger.
    report,
    warn,
    reportOver: () => undefined,
    moved: () => undefined,
  };
}

/** Nobody waits for it. */
const complain = (
  { ledger, log }: { readonly ledger: GuestsLedger; readonly log: Log },
  subscriptionId: number,
  said: string,
): void =>
  void ledger
    .complain({ subscriptionId, said })
    .catch((error: unknown) =>
      log.debug(`What is wrong for subscription ${subscriptionId} was not stored: ${errorText(error)}`),
    );

/** Two of one print are read alike. */
export const printOf = ({ reading, settings }: ReadSubscription): string =>
  JSON.stringify([reading, settings]);

export class Guests<Login, Reading> {
  readonly #ports: GuestPorts<Reading>;
  readonly #accounts = new Map<string, GuestAccount<Login, Reading>>();

  constructor(ports: GuestPorts<Reading>) {
    this.#ports = ports;
  }

  /** @returns the guests of a source */
  watch(key: SourceKey, source: Hosting<Login>): WatchedGuests<Login, Reading> {
    const name = JSON.stringify([key.kind, key.account]);
    const account =
      this.#accounts.get(name) ??
      new GuestAccount<Login, Reading>(key, this.#ports, () => this.#accounts.delete(name));
    this.#accounts.set(name, account);
    return account.watch(key, source);
  }
}

export interface WatchedGuests<Login, Reading> {
  /** @param own who listens here */
  besides(own: Iterable<Subscriber<Login, Reading>>): readonly Guest<Login, Reading>[];
  /** It stopped to listen here. */
  left(subscriptionId: number): void;
  close(): void;
}

/** A source that this process may read. */
export interface Hosting<Login> {
  readonly login: () => Promise<Login>;
  /** Called when others came or went. */
  readonly changed: () => void;
  readonly isHeld: () => boolean;
}

class GuestAccount<Login, Reading> {
  readonly #key: SourceKey;
  readonly #ports: GuestPorts<Reading>;
  readonly #over: () => void;
  readonly #sources = new Map<string, Hosting<Login>>();
  readonly #known = new Map<number, { readonly print: string; readonly guest: Guest<Login, Reading> }>();
  readonly #uncompiled: UncompiledReadings;
  /** One for each reading that could not be compiled when it was looked last: tells of it. */
  #failures: (() => void)[] = [];
  #telling: NodeJS.Timeout | undefined;
  #guests = new Map<string, readonly Guest<Login, Reading>[]>();
  /** Monotonic. */
  readonly #left = new Map<number, number>();
  readonly #deafen: () => void;
  readonly #timer: NodeJS.Timeout;
  #soon: NodeJS.Timeout | undefined;
  #lookedAt = -Infinity;
  #looking: Promise<void> | undefined;

  constructor(key: SourceKey, ports: GuestPorts<Reading>, over: () => void) {
    this.#key = key;
    this.#ports = ports;
    this.#over = over;
    const { log } = ports;
    this.#uncompiled = new UncompiledReadings({ log, complain: (id, said) => complain(ports, id, said) });
    this.#deafen = ports.wake.listen(accountKey(key.kind, key.account), () => this.#lookSoon());
    this.#timer = setInterval(() => this.#lookSoon(), LOOK_EVERY_MS).unref();
    this.#lookSoon();
  }

  watch(key: SourceKey, source: Hosting<Login>): WatchedGuests<Login, Reading> {
    const name = sourceName(key);
    this.#sources.set(name, source);
    // What was found for another source of the account says nothing of this one's login.
    this.#lookSoon();
    return {
      besides: (own) => {
        const guests = this.#guests.get(name) ?? [];
        if (guests.length === 0) return guests;
        const here = new Set([...own].map(({ subscription }) => subscription.id));
        return guests.filter(({ subscription: { id } }) => !here.has(id) && !this.#hasLeft(id));
      },
      left: (id) => void this.#left.set(id, monotonicNow()),
      close: () => {
        if (this.#sources.get(name) !== source) return;
        this.#sources.delete(name);
        this.#guests.delete(name);
        if (this.#sources.size > 0) return;
        this.#deafen();
        clearInterval(this.#timer);
        clearTimeout(this.#soon);
        clearInterval(this.#telling);
        this.#over();
      },
    };
  }

  #hasLeft(id: number): boolean {
    const at = this.#left.get(id);
    if (at === undefined) return false;
    if (monotonicNow() - at < LEFT_MS) return true;
    this.#left.delete(id);
    return false;
  }

  #lookSoon(): void {
    const inMs = Math.max(0, this.#lookedAt + LEAST_BETWEEN_MS - monotonicNow());
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.#lookedAt = monotonicNow();
      this.#looking = (this.#looking ?? Promise.resolve())
        .then(() => this.#look())
        .catch((error: unknown) =>
          this.#ports.log.debug(`It was not seen what other processes listen to: ${errorText(error)}`),
        );
    }, inMs).unref();
  }

  async #look(): Promise<void> {
    const { kind, account } = this.#key;
    const before = this.#guests;
    const guests = new Map<string, Guest<Login, Reading>[]>();
    const readings = await this.#ports.ledger.readings({ kind, account });
    this.#failures = [];
    for (const read of readings) {
      const name = sourceName(read.source);
      const source = this.#sources.get(name);
      const guest = source && read.served ? this.#guest(read, source) : null;
      if (guest) guests.set(name, [...(guests.get(name) ?? []), guest]);
    }
    this.#guests = guests;
    this.#tellOfFailures();
    for (const [name, { changed }] of this.#sources) {
      const [was, is] = [before.get(name) ?? [], guests.get(name) ?? []];
      if (was.length !== is.length || is.some((guest, at) => guest !== was[at])) changed();
    }
  }

  #tellOfFailures(): void {
    clearInterval(this.#telling);
    const tell = (): void => this.#failures.forEach((failure) => failure());
    tell();
    if (this.#failures.length > 0 && this.#sources.size > 0)
      this.#telling = setInterval(tell, TELL_EVERY_MS).unref();
  }

  /** The same object as long as it is read alike. */
  #guest(read: ReadSubscription, source: Hosting<Login>): Guest<Login, Reading> | null {
    const print = printOf(read);
    const known = this.#known.get(read.id);
    if (known?.print === print) return known.guest;
    try {
      const guest = guestOf(read, this.#ports.compile(read), source.login, this.#ports);
      this.#known.set(read.id, { print, guest });
      this.#uncompiled.over(read.id);
      return guest;
    } catch (error) {
      this.#known.delete(read.id);
      this.#failures.push(() => this.#uncompiled.failed(read, error, source.isHeld()));
      return null;
    }
  }
}

const skipBeforeOf = ({ reading }: ReadSubscription): number | null => {
  const { skipBefore } = reading as { readonly skipBefore?: unknown };
  return typeof skipBefore === 'number' ? skipBefore : null;
};
