// Reads one mail for all to whom it may be due, and finds out who takes it.
// Invariant: a mail that Gmail does not hand out holds up nobody but those to whom it may be due, and those not for
// long: then it is recorded without its content, and its run shows what is wrong.
import type { Priority } from '../../http/quota';
import { GmailFault } from '../api/fault';
import type { RawMessage } from '../api/types';
import type { GmailEvent } from '../mail/event';
import { gmailIdentity, labelOf } from '../mail/identity';
import { judgedIdentities, knownIdentities, type Reason, type Wanted } from './candidates';
import type { GmailReading } from './reading';
import { nowOf } from './postponed';
import { FOR_GOOD, type Round } from './round';
import { eventLabelsAmong, passesGmail } from './selection';

/** A mail that cannot be read is asked for so often before it is recorded without content. */
const MOST_ASKED = 3;
/** Where nothing else could be read either, it is hardly the mail: such a try counts for less. */
const DOUBTFUL_TRY = 0.25;
/** So many in a row that Gmail is too busy for, and none that it is not: the others need not be tried. */
const MOST_BUSY = 5;
const ASK_AGAIN_MS = 30_000;
/** A mail that is not there is looked for once more. */
const LOOK_AGAIN_MS = 5_000;

/** One event that a mail may become. */
export interface Want {
  readonly subscriptionId: number;
  readonly identity: string;
  readonly event: GmailEvent;
  readonly label: string | null;
  readonly reason: Reason;
}

export interface ReadMail {
  readonly id: string;
  /** Null: it cannot be read. */
  readonly message: RawMessage | null;
  /** It was deleted before it could be read. */
  readonly gone?: boolean;
  readonly wants: readonly Want[];
  readonly bytes: number;
}

export class Reader {
  readonly #round: Round;
  readonly #priority: Priority;
  readonly #seen: (message: RawMessage) => void;
  /** Those to whom something is due that could not be read yet. */
  readonly held = new Set<number>();
  readonly #busy: string[] = [];

  constructor(round: Round, priority: Priority, seen: (message: RawMessage) => void) {
    this.#round = round;
    this.#priority = priority;
    this.#seen = seen;
  }

  /** @returns null: nobody takes it, or it could not be read yet @throws GmailFault of the whole account */
  async read(wanted: Wanted): Promise<ReadMail | null> {
    const { job } = this.#round;
    const { id } = wanted;
    if ((job.memory.withheld.get(id)?.tries ?? 0) >= MOST_ASKED) return this.#unread(wanted);
    let message;
    try {
      message = await job.api.message(id, this.#priority);
    } catch (error) {
      this.#withheld(wanted, error);
      return null;
    }
    this.#round.readable++;
    if (!message && !job.memory.withheld.has(id)) return this.#missing(wanted);
    job.memory.withheld.delete(id);
    if (!message) return this.#gone(wanted);
    this.#seen(message);
    const wants = await this.#wantsOf(wanted, message);
    return wants.length > 0 ? { id, message, wants, bytes: message.raw.length } : null;
  }

  /** Notes for which mails Gmail was too busy. */
  countBusy(): void {
    const tries = this.#round.readable > 0 ? 1 : DOUBTFUL_TRY;
    // Where the account fails, its retries say when.
    const againInMs = this.#isTooBusy ? 0 : ASK_AGAIN_MS;
    for (const id of this.#busy) this.#tried(id, tries, againInMs);
  }

  #tried(id: string, count: number, againInMs: number): void {
    const { job } = this.#round;
    const tries = (job.memory.withheld.get(id)?.tries ?? 0) + count;
    job.memory.withheld.set(id, { tries, askAt: nowOf(job) + againInMs });
  }

  /** A few mails that fail may be the mails; then the account goes on, and new mail need not wait for its retries. */
  get #isTooBusy(): boolean {
    return this.#round.readable === 0 && this.#busy.length >= MOST_BUSY;
  }

  #withheld({ id, due }: Wanted, error: unknown): void {
    if (!(error instanceof GmailFault) || (error.kind !== 'refused' && error.kind !== 'busy')) throw error;
    const { job } = this.#round;
    // It says nothing of this mail, and all others would wait in vain, too.
    if (error.isOfQuota) throw error;
    if (error.kind === 'busy') {
      this.#busy.push(id);
      if (this.#isTooBusy) throw error;
    } else {
      this.#tried(id, 1, ASK_AGAIN_MS);
    }
    job.log.warn(`A mail of ${job.address} could not be read and is asked for again: ${error.message}`, {
      id,
    });
    for (const subscriptionId of due.keys()) this.held.add(subscriptionId);
    this.#round.again(ASK_AGAIN_MS);
  }

  #unread(wanted: Wanted): ReadMail {
    const { job } = this.#round;
    job.log.warn(`A mail of ${job.address} cannot be read: it is recorded without its content`, {
      id: wanted.id,
    });
    const wants = this.#all(wanted, (reading, reason) => knownIdentities(reading, wanted.id, reason));
    return { id: wanted.id, message: null, wants, bytes: 0 };
  }

  /** What was announced a moment ago may not be everywhere at Google yet. */
  #missing({ id, due }: Wanted): null {
    this.#tried(id, 0, LOOK_AGAIN_MS);
    for (const subscriptionId of due.keys()) this.held.add(subscriptionId);
    this.#round.again(LOOK_AGAIN_MS);
    return null;
  }

  /** What was surely due is recorded as GONE; of the rest nobody will ever know. */
  #gone(wanted: Wanted): ReadMail | null {
    this.#round.job.log.info('A mail was deleted before it could be read', { id: wanted.id });
    const all = this.#all(wanted, (reading, reason) => judgedIdentities(reading, wanted.id, reason));
    for (const { subscriptionId, identity, reason } of all) {
      this.#round.passOver(subscriptionId, identity, reason, FOR_GOOD);
    }
    const wants = this.#all(wanted, (reading, reason) =>
      isSurelyDue(reading, reason) ? knownIdentities(reading, wanted.id, reason) : [],
    );
    return wants.length > 0 ? { id: wanted.id, message: null, gone: true, wants, bytes: 0 } : null;
  }

  async #wantsOf(wanted: Wanted, message: RawMessage): Promise<Want[]> {
    const takers = new Set<number>();
    for (const subscriptionId of wanted.due.keys()) {
      const reading = this.#round.places.get(subscriptionId)?.beginning.reading;
      if (reading && (await passesGmail(reading.filter, message, reading))) takers.add(subscriptionId);
    }
    const historyId = BigInt(message.historyId);
    const wants = this.#all(wanted, (reading, reason) => happened(reading, reason, message)).filter(
      ({ subscriptionId }) => takers.has(subscriptionId),
    );
    const taken = new Set(wants.map(({ subscriptionId }) => subscriptionId));
    const all = this.#all(wanted, (reading, reason) => judgedIdentities(reading, wanted.id, reason));
    for (const { subscriptionId, identity, reason } of all) {
      if (!taken.has(subscriptionId)) this.#round.passOver(subscriptionId, identity, reason, historyId);
    }
    return wants;
  }

  #all({ due }: Wanted, identitiesOf: (reading: GmailReading, reason: Reason) => readonly string[]): Want[] {
    return [...due].flatMap(([subscriptionId, reason]) => {
      const reading = this.#round.places.get(subscriptionId)?.beginning.reading;
      if (!reading) return [];
      const { event } = reading;
      return identitiesOf(reading, reason).map((identity) => {
        return { subscriptionId, identity, event, label: labelOf(identity), reason };
      });
    });
  }
}

/** Whether nothing but its labels, which were told, decides whether a mail is taken. */
const isSurelyDue = ({ filter }: GmailReading, { told, since }: Reason): boolean =>
  told === true &&
  since === -Infinity &&
  !filter.search &&
  filter.sender === null &&
  filter.readStatus === 'both';

/** What has happened to the mail for the subscription, by what is known of it now. */
function happened(reading: GmailReading, reason: Reason, message: RawMessage): string[] {
  const { event } = reading;
  const { id, labelIds, internalDate } = message;
  if (internalDate < reason.since) return [];
  if (event === 'received') return [gmailIdentity(event, id)];
  if (event === 'sent') return labelIds.includes('SENT') ? [gmailIdentity(event, id)] : [];
  const now = reason.added ? eventLabelsAmong(reading, labelIds) : [];
  return [...new Set([...reason.labels, ...now])].map((label) => gmailIdentity(event, id, label));
}
