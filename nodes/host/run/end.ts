// How a run of n8n ended, in the ledger's words.
import type { IRun } from 'n8n-workflow';
import type { Outcome } from '../../../engine/ledger/runs';
import { errorText } from '../../../engine/runtime/log';

/** What is stored of an error; the whole stands in n8n's execution. */
const MOST_ERROR_CHARACTERS = 300;

/**
 * `waiting` counts as a success: the mail reached a Wait node, and n8n keeps the rest of the run. It is none with an
 * error: then n8n could not keep it.
 * Everything that is not a success is a failure, also a status that a later n8n may bring.
 */
export function outcomeOf(run: Pick<IRun, 'status' | 'data'>): Outcome {
  const { error } = (run.data as Partial<IRun['data']> | undefined)?.resultData ?? {};
  if ((run.status === 'success' || run.status === 'waiting') && !error) return { kind: 'success' };
  return { kind: 'failure', error: failureText(run).slice(0, MOST_ERROR_CHARACTERS) };
}

export const failedOutcome = (error: unknown): Outcome => ({
  kind: 'failure',
  error: errorText(error).slice(0, MOST_ERROR_CHARACTERS),
});

function failureText({ status, data }: Pick<IRun, 'status' | 'data'>): string {
  // In queue mode, and of a run that never began, n8n tells the status alone.
  const error = (data as Partial<IRun['data']> | undefined)?.resultData?.error;
  if (!error) return `The run ended with the status "${status}".`;
  // A node may throw anything.
  const { message, node } = error as { message?: unknown; node?: { name?: string } };
  const text = typeof message === 'string' ? message : 'The run failed without a message.';
  return node?.name ? `${node.name}: ${text}` : text;
}
