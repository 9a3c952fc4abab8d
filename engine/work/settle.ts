// A consumer says how its work on a mail ended: `POST /api/work/settle`.
// Invariants: by the pointer that it was handed: once the mail was handed out again, it is refused and told so; said twice it
// counts once; only work of a collector's jobs is settled so, never a run of n8n.
import type { EventRecord } from '../ledger/inspection';
import type { Ledger } from '../ledger/ledger';
import type { Pointer } from '../ledger/pointer';
import type { Outcome } from '../ledger/runs';
import type { EventState } from '../ledger/states';
import type { Wake } from '../signal/wake';

/** While it is claimed, and not settled yet. */
const LEASE_MS = 30_000;
/** Whose events a collector hands out: as its jobs name their workflows. */
const COLLECTORS = /^collector:/;

export interface SettlePorts {
  readonly ledger: Pick<Ledger, 'claim' | 'settle' | 'event'>;
  readonly wake: Pick<Wake, 'notify'>;
}

export interface WorkSettled extends Pointer {
  /** What has become of it: DONE, RETRY or DEAD. */
  readonly state: EventState;
}

/** - `unknown`: there is no such work; - `late`: it is not this attempt's any more. */
export interface NotSettled {
  readonly why: 'unknown' | 'late';
  /** For people. */
  readonly error: string;
}

/** @param by who says so @throws LedgerFault */
export async function settleWork(
  { ledger, wake }: SettlePorts,
  { event, attempt }: Pointer,
  outcome: Exclude<Outcome, { readonly kind: 'gone' }>,
  by: string,
): Promise<WorkSettled | NotSettled> {
  const known = await ledger.event(event);
  if (!known || !COLLECTORS.test(known.workflowId)) {
    return { why: 'unknown', error: `There is no work of this ledger with the event ${event}.` };
  }
  const pointer = { event, attempt };
  const claims = await ledger.claim([pointer], by, LEASE_MS, false);
  const [settled] = await ledger.settle([pointer], outcome);
  if (!settled) return repeated((await ledger.event(event)) ?? known, pointer, outcome.kind);
  wake.notify(claims.map(({ subscriptionId }) => subscriptionId));
  return { ...pointer, state: settled.state };
}

/** The answer may have been lost on its way, and it is said again. */
function repeated(
  { state, attempt, lastError }: EventRecord,
  pointer: Pointer,
  kind: 'success' | 'failure',
): WorkSettled | NotSettled {
  const ends: readonly EventState[] = kind === 'success' ? ['DONE'] : ['RETRY', 'DEAD'];
  if (attempt === pointer.attempt && ends.includes(state)) return { ...pointer, state };
  const now =
    attempt === pointer.attempt
      ? `it is ${state} already${lastError === null ? '' : ` (${lastError})`}`
      : `it was handed out again since, as attempt ${attempt}, and is ${state}`;
  return {
    why: 'late',
    error: `Attempt ${pointer.attempt} of this mail can not be settled any more: ${now}. Drop what you hold of it.`,
  };
}
