// The node's parameters, read once into typed settings; a setting that can never work throws, with what to change.
import type { IExecuteFunctions } from 'n8n-workflow';
import type { KeyRequest } from '../../engine/ledger/once-keys';
import { nodeError } from '../host/n8n/node-error';

export type Scope = 'step' | 'workflow' | 'everywhere';

type KeyIsFinished = 'stepDone' | 'runEnds' | 'atOnce';

export const DEFAULT_WAIT_SECONDS = 60;
export const DEFAULT_KEEP_DAYS = 90;
export const DEFAULT_ANSWER_MB = 1;
/** It is in memory while it is stored. */
export const MOST_ANSWER_MB = 64;
const MB = 1024 * 1024;
const DAY_MS = 86_400_000;

export interface OnceSettings extends Pick<KeyRequest, 'finish' | 'keepMs'> {
  readonly scope: Scope;
  /** The keys are finished as soon as the next steps have succeeded, not only with the run. */
  readonly untilNextStep: boolean;
  /** What a step may have answered to be given again, in bytes; null: nothing is remembered, or said of it. */
  readonly mostAnswerBytes: number | null;
  /** Infinity: until the run is stopped. */
  readonly waitMs: number;
  /** What becomes of an item whose key is still held after that. */
  readonly stillHeld: 'fail' | 'alreadyDone';
}

interface Options {
  readonly ifStillHeld?: 'alreadyDone' | 'fail' | 'wait';
  readonly largestAnswer?: number;
  readonly rememberAnswer?: boolean;
  readonly rememberDays?: number;
  readonly waitSeconds?: number;
}

export function onceSettings(context: IExecuteFunctions): OnceSettings {
  const node = context.getNode();
  if (node.alwaysOutputData === true) {
    throw nodeError(node, 'Switch off "Always Output Data" in the settings of this node', {
      description: 'With it, n8n starts the step after "First time" also when nothing is to be done.',
    });
  }
  const options = context.getNodeParameter('options', 0, {}) as Options;
  const then = options.ifStillHeld ?? 'fail';
  const seconds = amount(context, 'Wait For', options.waitSeconds ?? DEFAULT_WAIT_SECONDS);
  const days = amount(context, 'Remember Keys For', options.rememberDays ?? DEFAULT_KEEP_DAYS);
  const megabytes = amount(context, 'Largest Answer', options.largestAnswer ?? DEFAULT_ANSWER_MB);
  return {
    mostAnswerBytes:
      (options.rememberAnswer ?? true) ? Math.round(Math.min(megabytes, MOST_ANSWER_MB) * MB) : null,
    scope: context.getNodeParameter('scope', 0, 'step') as Scope,
    untilNextStep: keyIsFinished(context) === 'stepDone',
    finish: finishOf(context),
    keepMs: days === 0 ? null : Math.round(days * DAY_MS),
    waitMs: then === 'wait' ? Infinity : seconds * 1_000,
    stillHeld: then === 'alreadyDone' ? 'alreadyDone' : 'fail',
  };
}

function finishOf(context: IExecuteFunctions): KeyRequest['finish'] {
  if (keyIsFinished(context) === 'atOnce') return 'atOnce';
  return context.getNodeParameter('ifRunFails', 0, 'free') === 'keep' ? 'anyway' : 'onSuccess';
}

const keyIsFinished = (context: IExecuteFunctions): KeyIsFinished =>
  context.getNodeParameter('keyIsFinished', 0, 'stepDone') as KeyIsFinished;

function amount(context: IExecuteFunctions, name: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value;
  throw nodeError(context.getNode(), `"${name}" must be a number from 0 on`);
}
