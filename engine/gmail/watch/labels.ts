// The labels that the settings of triggers name by id, compared with those of the account: one that was deleted is never
// named by Gmail again, so that a trigger that waits for it would wait in silence.
// Invariants: a person is told once of a label that is gone, and anew if it was back meanwhile; another label under its
// name is not taken in its place.
import { monotonicNow } from '../../runtime/time';
import type { GmailApi } from '../api/api';
import { GmailFault } from '../api/fault';
import { isOwnLabel } from '../read/selection';
import type { GmailSubscriber } from './subscriber';

/** They could not be listed. */
const FAILED_MS = 60_000;

export class LabelWatch {
  readonly #account: string;
  readonly #everyMs: number;
  readonly #tell: (fault: GmailFault, subscriber: GmailSubscriber) => void;
  /** Those whose labels were compared; and which of them are told as gone. */
  readonly #told = new WeakMap<GmailSubscriber, Set<string>>();
  /** Last known, by id. */
  readonly #names = new Map<string, string>();
  /** By the monotonic clock. */
  #nextAt = -Infinity;

  /** @param account for people */
  constructor(
    account: string,
    everyMs: number,
    tell: (fault: GmailFault, subscriber: GmailSubscriber) => void,
  ) {
    this.#account = account;
    this.#everyMs = everyMs;
    this.#tell = tell;
  }

  /** How long until `compare` is due, ms; Infinity: nobody names a label. */
  dueInMs(subscribers: readonly GmailSubscriber[]): number {
    const naming = subscribers.filter((one) => labelsOf(one).length > 0);
    if (naming.length === 0) return Infinity;
    const isNew = naming.some((one) => !this.#told.has(one));
    return isNew ? 0 : Math.max(0, this.#nextAt - monotonicNow());
  }

  /** Costs one unit. @throws GmailFault: it is due again after a while, sooner than after an answer */
  async compare(api: Pick<GmailApi, 'labels'>, subscribers: readonly GmailSubscriber[]): Promise<void> {
    const naming = subscribers.filter((one) => labelsOf(one).length > 0);
    for (const one of naming) if (!this.#told.has(one)) this.#told.set(one, new Set());
    this.#nextAt = monotonicNow() + Math.min(this.#everyMs, FAILED_MS);
    const labels = await api.labels();
    this.#nextAt = monotonicNow() + this.#everyMs;
    const there = new Map(labels.map(({ id, name }) => [id, name]));
    for (const subscriber of naming) this.#compare(subscriber, there);
    for (const [id, name] of there) this.#names.set(id, name);
  }

  #compare(subscriber: GmailSubscriber, there: ReadonlyMap<string, string>): void {
    const told = this.#told.get(subscriber)!;
    for (const id of labelsOf(subscriber)) {
      if (there.has(id)) told.delete(id);
      else if (!told.has(id)) {
        told.add(id);
        this.#tell(this.#gone(id, there), subscriber);
      }
    }
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
