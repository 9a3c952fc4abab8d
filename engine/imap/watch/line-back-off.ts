// How long a line that failed leaves its server alone, who is told of the fault, and what ends the wait sooner.
// Invariants: what others say of the server shortens no wait for a password, nor one that the server named; whoever joins
// ends none of them, so that joining makes no storm of logins; a person ends any of them, however often, but not at once; what
// another process is to have it has at once, however long this one waits; and the server is left alone as long where somebody
// could not be told.
import { LedgerFault } from '../../ledger/fault';
import { backoffDelay, type BackoffRange } from '../../runtime/backoff';
import type { Bell } from '../../runtime/bell';
import { firstOf, monotonicNow, pause } from '../../runtime/time';
import { foundBack } from '../../source/found-back';
import { ImapFault, isOutOfReach, serverOf } from '../session/fault';
import { type LineMailboxes, passOn, subscribersOf } from './line-mailboxes';
import { type ImapLogins, type OwnedLogin, ofOneLogin } from './logins';
import type { LineTimes } from './pace';
import type { LineCall } from './rounds';
import type { Silences } from './silence';
import type { ImapSubscriber } from './subscriber';

const RECONNECT: BackoffRange = { firstMs: 1_000, mostMs: 120_000 };
// Asking again with a rejected password can lock an account.
const RECONNECT_REJECTED: BackoffRange = { firstMs: 30_000, mostMs: 600_000 };

/** What failed. */
export interface Failed {
  readonly error: unknown;
  /** So often in a row; 0: it had worked before, and is made anew at once. */
  readonly failures: number;
  /** The login that was used now, or last. */
  readonly owned: OwnedLogin | undefined;
  /** Monotonic: when the try began; Infinity: what failed was connected. */
  readonly triedAt: number;
}

type Wait = (signal: AbortSignal) => Promise<void>;

export class LineBackOff {
  readonly #mailboxes: LineMailboxes;
  readonly #logins: ImapLogins;
  readonly #bell: Bell<LineCall>;
  readonly #silences: Silences;
  readonly #leastRetryMs: number;
  /** Never rejects. */
  #passing: Promise<void> = Promise.resolve();

  constructor(
    mailboxes: LineMailboxes,
    logins: ImapLogins,
    bell: Bell<LineCall>,
    silences: Silences,
    { leastRetryMs }: Pick<LineTimes, 'leastRetryMs'>,
  ) {
    this.#mailboxes = mailboxes;
    this.#logins = logins;
    this.#bell = bell;
    this.#silences = silences;
    this.#leastRetryMs = leastRetryMs;
  }

  /** Resolves when the next try is due. */
  async failed(failed: Failed, signal: AbortSignal): Promise<void> {
    const { error, failures, owned } = failed;
    const mailboxes = this.#mailboxes;
    // Whoever asked before has had this try.
    this.#bell.take('look');
    if (ofOneLogin(error) && owned && this.#logins.rejected(owned, error, subscribersOf(mailboxes))) {
      // Another login may do: nobody is told before it was tried.
      await pause(RECONNECT.firstMs, signal);
      return;
    }
    // Another process has a mailbox: there is nothing to wait for.
    if (error instanceof LedgerFault && error.kind === 'taken') return;
    const delay = delayOf(error, failures);
    try {
      await this.#tell(failed, delay);
    } finally {
      await this.#wait(failed, delay, signal);
    }
  }

  async #tell({ error, owned, triedAt }: Failed, delay: number): Promise<void> {
    const mailboxes = this.#mailboxes;
    const own = (subscriber: ImapSubscriber): Error | undefined =>
      ofOneLogin(error) ? this.#logins.faultOf(subscriber) : undefined;
    for (const mailbox of [...mailboxes]) await mailbox.failed(error, delay, own);
    if (error instanceof LedgerFault) return;
    let isGivenUp = false;
    for (const mailbox of [...mailboxes]) isGivenUp = (await mailbox.outOfReach()) || isGivenUp;
    // A connection that broke was there.
    if (isGivenUp && owned && isOutOfReach(error) && triedAt < Infinity)
      this.#silences.notReached(owned.login);
  }

  async #wait({ error, owned, triedAt }: Failed, delay: number, signal: AbortSignal): Promise<void> {
    const waits: Wait[] = [
      owned && isOutOfReach(error)
        ? (either) => foundBack().pause(serverOf(owned.login), this, { ms: delay, triedAt }, either)
        : (either) => pause(delay, either),
      (either) => this.#untilPassedOn(delay, either),
    ];
    if (delay > this.#leastRetryMs) waits.push((either) => this.#untilAsked(delay, either));
    await firstOf(signal, waits);
    // What is just being given away is not to be taken for this process's still.
    await this.#passing;
  }

  /** Until other processes have all of it; at most `ms`. */
  async #untilPassedOn(ms: number, signal: AbortSignal): Promise<void> {
    const until = monotonicNow() + ms;
    const mailboxes = this.#mailboxes;
    const hasAny = (): boolean => mailboxes.some(({ isHeld }) => isHeld);
    while (monotonicNow() < until && !signal.aborted) {
      if (this.#bell.take('joined') && hasAny()) {
        // A ledger that cannot be asked now is told who is to have it again and again.
        await (this.#passing = passOn(mailboxes).catch(() => undefined));
        if (!hasAny()) return;
      }
      await this.#bell.wait(until - monotonicNow(), ['joined'], signal);
    }
  }

  async #untilAsked(ms: number, signal: AbortSignal): Promise<void> {
    await pause(this.#leastRetryMs, signal);
    await this.#bell.wait(ms, ['look'], signal);
  }
}

function delayOf(error: unknown, failures: number): number {
  const fault = error instanceof ImapFault ? error : undefined;
  const range = fault?.kind === 'login' ? RECONNECT_REJECTED : RECONNECT;
  return Math.max(failures === 0 ? 0 : backoffDelay(failures, range), fault?.retryAfterMs ?? 0);
}
