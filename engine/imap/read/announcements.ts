// Whether a server announces the new mail of a mailbox by itself, as far as that was seen; and so how soon the mailbox
// is looked at unasked. Some announce late, such as once a minute, or never, though they have IDLE.
// Invariants: a server that announces all its mail is never asked more often; no wait is longer than the one that the
// settings allow; finding a mail that was not announced never makes the next wait longer, an announced one never shorter.

/**
 * Why the mailbox is looked at:
 * - `announced`: the server said so while it was waited for;
 * - `unasked`: the wait was over, and it had said nothing;
 * - `otherwise`: whatever is found says nothing of the server.
 */
export type Look = 'announced' | 'unasked' | 'otherwise';

/** The waits once a mail was not announced, and once more were not, ms. */
export type SoonerMs = readonly [once: number, again: number];

/** A server that looks once a minute announces some of its mails in time, by chance. */
const ANNOUNCED_IN_A_ROW = 3;

export class Announcements {
  #look: Look = 'otherwise';
  /** How many steps sooner than usual it is looked at. */
  #steps: 0 | 1 | 2 = 0;
  #inARow = 0;

  /** It is looked at now. */
  looks(look: Look): void {
    this.#look = look;
  }

  /** There was a new mail: of a look the first one counts. */
  found(): void {
    const look = this.#look;
    this.#look = 'otherwise';
    if (look === 'unasked') {
      this.#steps = this.#steps === 0 ? 1 : 2;
      this.#inARow = 0;
    } else if (look === 'announced' && this.#steps > 0 && ++this.#inARow >= ANNOUNCED_IN_A_ROW) {
      this.#steps = this.#steps === 2 ? 1 : 0;
      this.#inARow = 0;
    }
  }

  /** How long to wait for an announcement before it is looked unasked, ms. @param mostMs by the settings */
  heartbeatMs(mostMs: number, [once, again]: SoonerMs): number {
    const sooner = [Infinity, once, Math.min(once, again)][this.#steps] ?? Infinity;
    return Math.min(mostMs, sooner);
  }
}
