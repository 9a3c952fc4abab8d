// The mails of a mailbox that its server lists and does not hand out: how often they were asked for, over any number of
// connections, and when they are asked for again.
// Invariants: none of them keeps others waiting; each is recorded in the end: whole, or, after MOST_TRIES, without its
// content.
import { monotonicNow } from '../../runtime/time';

/** A mail that the server lists and does not hand out is asked for so often before it is recorded without content. */
export const MOST_TRIES = 3;
const FIRST_WAIT_MS = 1_000;
/** Where nobody knows whether it is the mail or the server. */
const PATIENT_WAIT_MS = 15_000;

interface Mail {
  tries: number;
  /** Monotonic. */
  notBefore: number;
  /** What the server said to the last try; '' where it said nothing. */
  said: string;
}

export class Withheld {
  readonly #mails = new Map<number, Mail>();
  /** Up to which UID everything but these mails is recorded, by subscription. */
  readonly readTo = new Map<number, number>();
  readonly #now: () => number;

  constructor(now: () => number = monotonicNow) {
    this.#now = now;
  }

  /** The connection broke while it may have been read: it is asked for alone, behind all others. */
  suspect(uid: number): void {
    if (!this.#mails.has(uid)) this.#mails.set(uid, { tries: 0, notBefore: 0, said: '' });
  }

  /**
   * It was not handed out.
   * @param said the server's words
   * @param isOnlyOne false: the server hands out no other mail either
   */
  refused(uid: number, said: string, isOnlyOne = true): void {
    const tries = (this.#mails.get(uid)?.tries ?? 0) + 1;
    const waitMs = (isOnlyOne ? FIRST_WAIT_MS : PATIENT_WAIT_MS) * 2 ** (tries - 1);
    this.#mails.set(uid, { tries, notBefore: this.#now() + waitMs, said });
  }

  /** It is recorded, or there is nothing to be recorded of it. */
  settled(uid: number): void {
    if (!this.isGivenUp(uid)) this.#mails.delete(uid);
  }

  /** It is asked for again. */
  isHeld(uid: number): boolean {
    const mail = this.#mails.get(uid);
    return mail !== undefined && mail.tries < MOST_TRIES;
  }

  /** It is given up by this reading, not lost: its run reads it again. */
  isGivenUp(uid: number): boolean {
    return (this.#mails.get(uid)?.tries ?? 0) >= MOST_TRIES;
  }

  saidOf(uid: number): string {
    return this.#mails.get(uid)?.said ?? '';
  }

  /** All that were not handed out, given up or not. */
  get known(): Iterable<number> {
    return this.#mails.keys();
  }

  /** Those that are asked for again, ascending. */
  get held(): number[] {
    return [...this.#mails.keys()].filter((uid) => this.isHeld(uid)).sort((a, b) => a - b);
  }

  /** Those of them whose time has come, ascending. */
  get due(): number[] {
    return this.held.filter((uid) => this.#mails.get(uid)!.notBefore <= this.#now());
  }

  /** When the next of them is due, in ms; Infinity: there are none. */
  get nextMs(): number {
    return Math.min(
      Infinity,
      ...this.held.map((uid) => Math.max(this.#mails.get(uid)!.notBefore - this.#now(), 0)),
    );
  }

  /** The mailbox was renumbered: UIDs mean other mails now. */
  clear(): void {
    this.#mails.clear();
    this.readTo.clear();
  }
}
