// The wait for news over one connection: by IDLE where it can be used, else until it is time to ask.
// Invariants: a hint of news that comes while nobody waits ends the next wait; an interruption concerns only the wait that
// is under way; a wait ends when its connection does.
import type { ImapFlow } from 'imapflow';
import { Bell } from '../../runtime/bell';
import { firstOf, monotonicNow } from '../../runtime/time';

type Call = 'hint' | 'interrupt' | 'closed';

const WAKING: readonly Call[] = ['hint', 'interrupt', 'closed'];

export class Waiting {
  readonly #client: ImapFlow;
  readonly #bell = new Bell<Call>();

  constructor(client: ImapFlow) {
    this.#client = client;
    client.on('exists', () => this.hint());
    client.on('close', () => this.#bell.ring('closed'));
    if (!client.usable) this.#bell.ring('closed');
  }

  /** There may be new mail: the running or the next `wait` ends at once. */
  hint(): void {
    this.#bell.ring('hint');
  }

  /** Makes the running `wait` end at once, without news. */
  interrupt(): void {
    this.#bell.ring('interrupt');
  }

  /** There was news that nobody has looked at yet. */
  get isHinted(): boolean {
    return this.#bell.has('hint');
  }

  /** There was news since it was last asked. Asking forgets it. */
  takeHint(): boolean {
    return this.#bell.take('hint');
  }

  /**
   * Waits for a hint that there is new mail: by IDLE for at most `ms`, without it for `pollMs`. Ends early when the
   * connection does, or on abort; the next command tells.
   */
  async wait(
    ms: number,
    pollMs: number,
    idles: boolean,
    signal: AbortSignal,
  ): Promise<'hint' | 'time' | 'interrupt'> {
    if (this.#bell.has('hint')) return 'hint';
    this.#bell.take('interrupt');
    const began = monotonicNow();
    if (idles) {
      await firstOf(signal, [
        (either) => this.#bell.wait(ms, WAKING, either),
        () => this.#client.idle().catch(() => undefined),
      ]);
    }
    // IDLE ends by itself only where the server refuses or breaks it off: then this is a poll.
    await this.#bell.wait(idles ? pollMs - (monotonicNow() - began) : pollMs, WAKING, signal);
    if (this.#bell.has('hint')) return 'hint';
    const isInterrupted = this.#bell.take('interrupt') && !signal.aborted && !this.#bell.has('closed');
    return isInterrupted ? 'interrupt' : 'time';
  }
}
