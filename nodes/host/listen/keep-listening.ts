// A trigger that listens until n8n closes it: whatever fails is tried again in the background, and a person is told of what does not
// pass by itself, or lasts.
// Invariant: nothing ends it but its close, because n8n gives up on a trigger that throws or reports an error (5 tries, then for good).
import { LedgerFault, type LedgerFaultKind } from '../../../engine/ledger/fault';
import { backoffDelay } from '../../../engine/runtime/backoff';
import { errorText } from '../../../engine/runtime/log';
import { pause } from '../../../engine/runtime/time';
import { log } from '../n8n/log';
import { NotListening } from './not-listening';
import { watchedStep } from './overdue';

/** A living copy of this n8n is told after so long: as a rule it is the process of before, about to end. */
const TWIN_TOLD_MS = 120_000;

export interface ListeningTrigger {
  /** For a log line. */
  readonly name: string;
  /** An outage is told when it has lasted longer, ms; null: never. */
  readonly afterMs: number | null;
  /** Resolves when it is to begin anew. */
  listen(signal: AbortSignal): Promise<void>;
  /** Whether the fault goes away by itself, as that of a ledger that cannot be reached does in any case. */
  heals(error: unknown): boolean;
  /** Who has just published it looks at it now. */
  isAwaited(): boolean;
  /** It does not listen now, whether that is told or not. */
  failed(): void;
  /** A person is to know. */
  report(error: unknown): void;
}

export class KeepListening {
  readonly #trigger: ListeningTrigger;
  readonly #closing: AbortSignal;
  readonly #outage = new NotListening();

  constructor(trigger: ListeningTrigger, closing: AbortSignal) {
    this.#trigger = trigger;
    this.#closing = closing;
  }

  /** Resolves after it was closed. @param before its older registration, as it is closed */
  async run(before: Promise<void> | undefined): Promise<void> {
    await before;
    const { name } = this.#trigger;
    while (!this.#isClosed()) {
      try {
        await this.#trigger.listen(this.#closing);
        this.#outage.over();
      } catch (error) {
        // What breaks while it is closed, or was under way then, concerns nobody any more.
        if (this.#isClosed()) return;
        const isTold = this.#isTold(error);
        const { failures } = this.#outage;
        log.error(`${name} is not listening: ${errorText(error)}`, { failures });
        if (isTold) this.#trigger.report(error);
        this.#trigger.failed();
        await pause(backoffDelay(failures, { firstMs: 1_000, mostMs: 60_000 }), this.#closing);
      }
    }
  }

  listens(): void {
    this.#outage.listens();
  }

  /** It listens, and cannot read now: whoever reads tries again by himself, and says `listens` when that went well. */
  cannotRead(error: unknown): void {
    if (!this.#isClosed() && this.#isTold(error)) this.#trigger.report(error);
  }

  /** A step of its beginning. @param what it waits for, for people */
  step<T>(what: string, step: Promise<T>): Promise<T> {
    const tell = (error: Error): void => {
      if (!this.#isClosed() && this.#outage.stands()) this.#trigger.report(error);
    };
    const { name, afterMs } = this.#trigger;
    return watchedStep({ name, afterMs, tell }, what, step);
  }

  // It may be closed while something is waited for, which the compiler does not see.
  #isClosed(): boolean {
    return this.#closing.aborted;
  }

  #isTold(error: unknown): boolean {
    const kind = error instanceof LedgerFault ? error.kind : undefined;
    const heals = kind !== undefined && HEALS.includes(kind);
    return this.#outage.failed({
      needsPerson: !heals && !this.#trigger.heals(error),
      afterMs: kind === 'twin' ? TWIN_TOLD_MS : this.#trigger.afterMs,
      isAwaited: kind !== 'twin' && this.#trigger.isAwaited(),
    });
  }
}

const HEALS: readonly LedgerFaultKind[] = ['unreachable', 'twin', 'replaced'];
