// How the work on a mail of a stream ended, as its consumer says it (engine/work).
import { eventIdOf } from '../ledger/askable';
import { settleWork, type WorkSettled } from '../work/settle';
import type { Act, Body } from './acting';
import { only } from './asked-acts';
import { Refusal } from './refusal';

const MOST_ERROR = 2_000;

export const settleOne: Act = async ({ ledger, wake }, body, by): Promise<WorkSettled> => {
  const { event, attempt, ok, error, ...more } = body;
  only(more);
  const told = await settleWork({ ledger, wake }, pointerOf(event, attempt), outcomeOf({ ok, error }), by);
  if ('why' in told) throw new Refusal(told.why === 'unknown' ? 404 : 409, told.error);
  return told;
};

function pointerOf(event: unknown, attempt: unknown) {
  const id = typeof event === 'string' ? eventIdOf(event) : null;
  if (id === null) throw new Refusal(400, '"event" has to be the id of an event, as its entry has it.');
  // As text, too: that is how a stream has it.
  const number = typeof attempt === 'string' && /^\d{1,9}$/.test(attempt) ? Number(attempt) : attempt;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 1 || number > 1e9) {
    throw new Refusal(400, '"attempt" has to be the number that the entry of this event has.');
  }
  return { event: id, attempt: number };
}

function outcomeOf({ ok, error }: Body) {
  if (ok === true && error === undefined) return { kind: 'success' } as const;
  if (ok === undefined && typeof error === 'string' && error !== '')
    return { kind: 'failure', error: error.replaceAll('\0', '').slice(0, MOST_ERROR) } as const;
  throw new Refusal(400, 'There has to be either "ok": true, or "error" with what went wrong, as text.');
}
