// Takes entries, and carries each to its end: a try or a look, then what became of it.
// Invariants: what was taken is settled, returned, or was lost; nothing is taken while what is held may have lapsed, or more than
// there is room for in memory.
import {
  type DueEntry,
  ENTRY_LEASE_MS,
  type EntryOutcome,
  type SettledEntry,
  type TakeEntries,
} from '../ledger/outbox';
import { errorText } from '../runtime/log';
import { ATTEMPT_TIMES, LEFT, lookFor, outcomeOfLook, outcomeOfTry, trySending } from './attempt';
import { type Held, HeldEntries } from './held';
import type { Outage } from './outage';
import type { OutboxPorts } from './ports';
import { Room } from './room';
import type { Sender, TryEnd } from './sender';
import { Settling } from './settling';

/** One whose kind nobody sends here: another process may. */
const NO_SENDER_MS = 60_000;
/** How long what is settled at the end may take the ledger. */
const MOST_STORE_MS = 5_000;

export interface Carried {
  readonly entry: DueEntry;
  /** Never rejects. */
  readonly ended: Promise<void>;
}

export type Take = Omit<TakeEntries, 'leaseMs' | 'mostBytes'>;

export class Carrier {
  readonly #ports: OutboxPorts;
  readonly #outage: Outage;
  readonly #held: HeldEntries;
  readonly #settling: Settling;
  readonly #told: (settled: readonly SettledEntry[]) => void;
  readonly #room: Room;
  readonly #closing = new AbortController();
  readonly #under = new Set<Promise<void>>();
  readonly #times: typeof ATTEMPT_TIMES;

  /** @param told hears of what was settled here */
  constructor(
    ports: OutboxPorts,
    outage: Outage,
    told: (settled: readonly SettledEntry[]) => void,
    { room = new Room(), times = ATTEMPT_TIMES } = {},
  ) {
    this.#ports = ports;
    this.#outage = outage;
    this.#held = new HeldEntries(ports.ledger, ports.log);
    this.#settling = new Settling(ports.ledger, ports.log, told);
    this.#told = told;
    this.#room = room;
    this.#times = times;
  }

  get isIdle(): boolean {
    return this.#under.size === 0;
  }

  carries(id: string): boolean {
    return this.#held.has(id);
  }

  /** @returns what it has begun with @throws LedgerFault nothing is begun */
  async take(request: Take): Promise<readonly Carried[]> {
    const { signal } = this.#closing;
    await this.#outage.over(signal);
    const room = await this.#room.take(signal);
    let used = 0;
    try {
      if (signal.aborted) return [];
      await this.#held.freshen();
      const taken = await this.#ports.ledger.takeEntries({
        ...request,
        leaseMs: ENTRY_LEASE_MS,
        mostBytes: room,
      });
      this.#outage.answered();
      used = taken.reduce((bytes, { content }) => bytes + content.length, 0);
      return taken.map((entry) => this.#carry(entry));
    } catch (error) {
      this.#outage.failed();
      throw error;
    } finally {
      this.#room.give(room - used);
    }
  }

  /** Lets go what was not handed over, waits for what was, and stores what became of both. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#held.abortAll();
    const all = Promise.all(this.#under);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#times.mostLeaveMs + MOST_STORE_MS).unref();
    });
    await Promise.race([all, late]);
    clearTimeout(timer);
    this.#settling.close();
    await all;
  }

  #carry(entry: DueEntry): Carried {
    const held = this.#held.hold(entry);
    if (this.#closing.signal.aborted) held.abort();
    const ended = this.#settle(entry, held).finally(() => {
      this.#held.drop(held);
      this.#room.give(entry.content.length);
      this.#under.delete(ended);
    });
    this.#under.add(ended);
    return { entry, ended };
  }

  async #settle(entry: DueEntry, held: Held): Promise<void> {
    const outcome = await this.#outcome(entry, held).catch((error: unknown): EntryOutcome => {
      this.#ports.log.error(`What became of an entry is not known: ${errorText(error)}`, { entry: entry.id });
      const text = `A fault of this package: ${errorText(error)}`;
      return held.isHandedOver
        ? { became: 'UNKNOWN', error: text, lookAfterMs: null }
        : { became: 'QUEUED', isReturned: true, delayMs: NO_SENDER_MS, error: text };
    });
    const settled = { ...held.ref, outcome };
    if (!held.isLost && (await this.#settling.settle(settled))) return;
    this.#ports.log.warn('An entry of the outbox was lost while it was sent', { entry: entry.id });
    await this.#arrived(settled);
  }

  /** What the receiver has said does not get lost with the lease: it need not be in doubt, nor be sent again. */
  async #arrived(settled: SettledEntry): Promise<void> {
    const { outcome } = settled;
    if (outcome.became !== 'SENT') return;
    try {
      if (await this.#ports.ledger.noteArrived(settled, outcome.answer)) this.#told([settled]);
    } catch (error) {
      const text = `One that was lost was taken, and that could not be noted: ${errorText(error)}`;
      this.#ports.log.warn(text, { entry: settled.id });
    }
  }

  async #outcome(entry: DueEntry, held: Held): Promise<EntryOutcome> {
    const sender = this.#ports.senders.get(entry.kind);
    if (!sender) return noSender(entry);
    if (entry.state === 'UNKNOWN') return this.#look(entry, sender, held);
    const end = await trySending(entry, sender, held, this.#ports.log, this.#times);
    await this.#rest(entry.lane, end);
    return outcomeOfTry(entry, end, sender);
  }

  async #look(entry: DueEntry, sender: Sender, held: Held): Promise<EntryOutcome> {
    const [known] = await this.#ports.ledger.entriesOf({ ids: [entry.id] });
    const found = await lookFor(entry, sender, held, this.#ports.log, this.#times);
    // Nobody could say, since this process ends: the next one looks.
    if (held.signal.aborted && !found) return outcomeOfTry(entry, LEFT, sender);
    return outcomeOfLook(entry, found, known, sender);
  }

  async #rest(lane: string, end: TryEnd): Promise<void> {
    if (end.end !== 'failed' || end.laneRestsMs === undefined) return;
    try {
      await this.#ports.ledger.restLane(lane, end.laneRestsMs);
    } catch (error) {
      this.#ports.log.warn(`A receiver asked for a rest that could not be noted: ${errorText(error)}`);
    }
  }
}

const noSender = ({ kind }: DueEntry): EntryOutcome => ({
  ...{ became: 'QUEUED', isReturned: true, delayMs: NO_SENDER_MS },
  error: `Nothing in this process sends what is of the kind "${kind}". Update the package, or start the newest one everywhere.`,
});
