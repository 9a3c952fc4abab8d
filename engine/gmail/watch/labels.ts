// The labels that the settings of triggers name by id, compared with those of the account: one that was deleted is never
// named by Gmail again, so that a trigger that waits for it would wait in silence.
// Invariants: a person is told once of a label that is gone, also over restarts, and anew if it was back meanwhile or the
// trigger was published anew; another label under its name is not taken in its place.
import { monotonicNow } from '../../runtime/time';
import type { GmailApi } from '../api/api';
import { GmailFault } from '../api/fault';
import { isOwnLabel } from '../mail/event';
import type { AccountNotes } from './account-notes';
import type { GmailSubscriber } from './subscriber';

/** They could not be listed. */
const FAILED_MS = 60_000;
/** So many are noted at most; the oldest go first. */
const MOST_NOTED = 500;

export class LabelWatch {
  readonly #account: string;
  readonly #everyMs: number;
  readonly #tell: (fault: GmailFault, subscriber: GmailSubscriber) => void;
  readonly #notes: Pick<AccountNotes, 'read' | 'write'>;
  /** Those for whom labels were asked for; and those whose labels were compared. */
  readonly #asked = new WeakSet<GmailSubscriber>();
  readonly #compared = new WeakSet<GmailSubscriber>();
  /** Last known to this process, by id. */
  readonly #names = new Map<string, string>();
  /** By the monotonic clock. */
  #nextAt = -Infinity;

  /** @param account for people */
  constructor(
    account: string,
    everyMs: number,
    tell: (fault: GmailFault, subscriber: GmailSubscriber) => void,
    notes: Pick<AccountNotes, 'read' | 'write'>,
  ) {
    this.#account = account;
    this.#everyMs = everyMs;
    this.#tell = tell;
    this.#notes = notes;
  }

  /** How long until `compare` is due, ms; Infinity: nobody names a label. */
  dueInMs(subscribers: readonly GmailSubscriber[]): number {
    const naming = subscribers.filter((one) => labelsOf(one).length > 0);
    if (naming.length === 0) return Infinity;
    const isNew = naming.some((one) => !this.#asked.has(one));
    return isNew ? 0 : Math.max(0, this.#nextAt - monotonicNow());
  }

  /** Costs one unit. @throws GmailFault: it is due again after a while, sooner than after an answer */
  async compare(api: Pick<GmailApi, 'labels'>, subscribers: readonly GmailSubscriber[]): Promise<void> {
    const naming = subscribers.filter((one) => labelsOf(one).length > 0);
    for (const one of naming) this.#asked.add(one);
    this.#nextAt = monotonicNow() + Math.min(this.#everyMs, FAILED_MS);
    const labels = await api.labels();
    this.#nextAt = monotonicNow() + this.#everyMs;
    const there = new Map(labels.map(({ id, name }) => [id, name]));
    const { labelNames, labelsGone } = await this.#notes.read();
    for (const [id, name] of Object.entries(labelNames)) if (!this.#names.has(id)) this.#names.set(id, name);
    const gone = new Map(Object.entries(labelsGone));
    for (const subscriber of naming) {
      const key = String(subscriber.subscription.id);
      const isAnew = subscriber.isByPerson === true && !this.#compared.has(subscriber);
      this.#compared.add(subscriber);
      const missing = this.#compare(subscriber, there, isAnew ? [] : (gone.get(key) ?? []));
      if (missing.length > 0) gone.set(key, missing);
      else gone.delete(key);
    }
    for (const [id, name] of there) this.#names.set(id, name);
    const names = new Map(Object.entries(labelNames));
    for (const id of naming.flatMap(labelsOf)) if (there.has(id)) names.set(id, there.get(id)!);
    const after = { labelNames: newestOf(names), labelsGone: newestOf(gone) };
    if (JSON.stringify(after) !== JSON.stringify({ labelNames, labelsGone })) await this.#notes.write(after);
  }

  /** @param told the person knows that these are gone @returns those that are */
  #compare(
    subscriber: GmailSubscriber,
    there: ReadonlyMap<string, string>,
    told: readonly string[],
  ): readonly string[] {
    const missing = labelsOf(subscriber).filter((id) => !there.has(id));
    for (const id of missing) if (!told.includes(id)) this.#tell(this.#gone(id, there), subscriber);
    return missing;
  }

  #gone(id: string, there: ReadonlyMap<string, string>): GmailFault {
    const name = this.#names.get(id);
    const was = name === undefined ? `with the id "${id}"` : `"${name}" (id "${id}")`;
    const anew = [...there].find(
      ([, other]) => name !== undefined && other.toLowerCase() === name.toLowerCase(),
    );
    const todo = anew
      ? `There is another one with that name now (id "${anew[0]}"): it is not taken for it. Choose it in the trigger.`
      : 'Choose another one in the trigger.';
    return new GmailFault(
      'refused',
      `The label ${was} is not in the ${this.#account} any more, so that nothing can be done by it or with it. ${todo}`,
    );
  }
}

/** Those that may be deleted. */
const labelsOf = ({ reading }: GmailSubscriber): readonly string[] => [
  ...new Set(
    [...(reading.filter.labels?.ids ?? []), ...reading.eventLabels, ...(reading.actionLabels ?? [])].filter(
      isOwnLabel,
    ),
  ),
];

const newestOf = <T>(noted: ReadonlyMap<string, T>): Record<string, T> =>
  Object.fromEntries([...noted].slice(-MOST_NOTED));
