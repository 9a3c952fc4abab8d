// When a person stops a run, or n8n does.
import type { IExecuteFunctions } from 'n8n-workflow';

/** Aborts then; one that never does, where n8n gives none. */
export const cancelSignal = (context: Pick<IExecuteFunctions, 'getExecutionCancelSignal'>): AbortSignal =>
  context.getExecutionCancelSignal() ?? new AbortController().signal;
