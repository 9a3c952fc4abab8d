// One call of the node: a key for each item, one request for all keys, and each item to its output.
// Invariant: only an item whose key was taken by this call goes on as First time. n8n sends the whole input there
// when a node throws and is set to continue: then nothing may throw, and errors go to the other output.
import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import type { KeyAnswer } from '../../engine/ledger/once-keys';
import { cancelSignal } from '../host/n8n/cancel';
import { errorItem } from '../host/n8n/going-on';
import { guardedSteps } from '../host/n8n/guarded-steps';
import { nodeError } from '../host/n8n/node-error';
import {
  digest,
  enteredKey,
  isTest,
  itemCounter,
  mailKey,
  refuseMailOfCaller,
  runIndexOf,
} from '../host/run/item-keys';
import type { Answer } from '../host/run/answer-form';
import { eventOfItem } from '../host/run/mail-of-item';
import { type OnceStore, onceKeeper, refuseIfStopped, type Remembering } from '../host/run/once';
import { asHandedOn, type Given } from './given';
import { KEY, scopeParts } from './keys';
import { type OnceSettings, onceSettings } from './settings';

interface Store extends OnceStore {
  readonly runs: OnceStore['runs'] & {
    mailKeys(executionId: string): readonly string[];
    mailEvents(executionId: string): readonly string[];
  };
}

type OpenStore = (context: IExecuteFunctions) => Promise<Store>;

/** An item's key, or why it has none. */
type ItemKey = string | Error;

/** What is known of a key. */
interface Found {
  readonly answer: KeyAnswer;
  /** What the steps handed on for it. */
  readonly given?: Answer | undefined;
}

interface Sorted {
  readonly outputs: [first: INodeExecutionData[], done: INodeExecutionData[]];
  /** Those of the items at First time, in their order, and the places of these among those that came. */
  readonly keys: readonly string[];
  readonly places: ReadonlyMap<string, number>;
}

/** @returns the items of "First time" and of "Already done" */
export async function runOnce(
  context: IExecuteFunctions,
  openStore: OpenStore,
): Promise<[INodeExecutionData[], INodeExecutionData[]]> {
  try {
    const settings = onceSettings(context);
    // What a person tries neither finds nor leaves a key.
    if (isTest(context))
      return sorted(context, settings, testKeys(context, settings), () => ({ answer: 'taken' })).outputs;
    return await runWith(context, settings, await openStore(context));
  } catch (error) {
    if (!context.continueOnFail()) throw nodeError(context.getNode(), error as Error);
    return [[], context.getInputData().map((_, index) => errorItem(index, error))];
  }
}

async function runWith(
  context: IExecuteFunctions,
  settings: OnceSettings,
  store: Store,
): Promise<[INodeExecutionData[], INodeExecutionData[]]> {
  const { id: nodeId, name } = context.getNode();
  const call = {
    nodeId,
    runIndex: runIndexOf(context),
  };
  const scope = scopeParts(context, settings.scope);
  const held = store.runs.mailKeys(context.getExecutionId());
  const count = itemCounter(context, call.runIndex);
  const keys = itemKeys(context, (index) => {
    const entered = enteredKey(context, index, KEY);
    if (entered !== null) return digest(...scope, 'key', entered);
    if (context.getMode() === 'integrated') refuseMailOfCaller(context, index, store.runs, KEY);
    const mail = mailKey(context, index, held, KEY);
    return digest(...scope, 'mail', mail, count(mail));
  });
  const distinct = [...new Set(keys.filter((key) => typeof key === 'string'))];
  const signal = cancelSignal(context);
  // Its end was told already: what it would hold now, nobody would let go.
  refuseIfStopped(signal);
  const keeper = onceKeeper(context, store);
  const answers = await keeper.take({
    ...call,
    keys: distinct,
    finish: settings.finish,
    keepMs: settings.keepMs,
    waitMs: settings.waitMs,
    signal,
  });
  try {
    const doneBefore = distinct.filter((key) => ['finished', 'mine'].includes(answers.get(key)!));
    const remembered =
      settings.mostAnswerBytes === null
        ? null
        : await keeper.answers(doneBefore, stepOf(context), context.helpers);
    const {
      outputs,
      keys: firsts,
      places,
    } = sorted(context, settings, keys, (key) => ({
      answer: answers.get(key)!,
      given: remembered?.get(key),
    }));
    if (settings.untilNextStep && firsts.length > 0) {
      const remembering = rememberingOf(context, settings, store, places);
      keeper.guard({ ...call, name, keys: firsts, remembering }, guardedSteps(context));
    }
    return outputs;
  } catch (error) {
    await keeper.giveBack(call);
    throw nodeError(context.getNode(), error as Error);
  }
}

/** Whose answers these are. Others that have the same key are given none: they may be another's mail. */
const stepOf = (context: IExecuteFunctions): string =>
  JSON.stringify([context.getWorkflow().id, context.getNode().id]);

/** @param places by key, of the items that it is done for */
function rememberingOf(
  context: IExecuteFunctions,
  { mostAnswerBytes: mostBytes }: OnceSettings,
  { runs }: Store,
  places: ReadonlyMap<string, number>,
): Remembering | null {
  if (mostBytes === null) return null;
  // Now: the run may have no mail any more when its steps have ended.
  const events = new Map(
    [...places].map(([key, place]) => [key, eventOfItem(context, place, (id) => runs.mailEvents(id))]),
  );
  return { of: stepOf(context), mostBytes, eventOf: (key) => events.get(key), files: context.helpers };
}

/** In a test an item that has lost its email is an item of its own. */
function testKeys(context: IExecuteFunctions, { scope }: OnceSettings): ItemKey[] {
  return itemKeys(context, (index) => digest(scope, enteredKey(context, index, KEY) ?? index));
}

function itemKeys(context: IExecuteFunctions, keyOf: (index: number) => string): ItemKey[] {
  return context.getInputData().map((_, index) => {
    try {
      return keyOf(index);
    } catch (error) {
      if (context.continueOnFail()) return error as Error;
      throw nodeError(context.getNode(), error as Error, { itemIndex: index });
    }
  });
}

function sorted(
  context: IExecuteFunctions,
  settings: OnceSettings,
  keys: readonly ItemKey[],
  foundOf: (key: string) => Found,
): Sorted {
  const first: INodeExecutionData[] = [];
  const done: INodeExecutionData[] = [];
  const given: Given[] = [];
  const places = new Map<string, number>();
  const seen = new Set<string>();
  for (const [index, { json, binary }] of context.getInputData().entries()) {
    const key = keys[index]!;
    const item = { json, ...(binary && { binary }), pairedItem: { item: index } };
    if (key instanceof Error) {
      done.push(errorItem(index, key));
      continue;
    }
    const { answer, given: found } = foundOf(key);
    if (answer === 'held' && settings.stillHeld === 'fail') {
      const error = heldError(context, settings, index);
      if (!context.continueOnFail()) throw error;
      done.push(errorItem(index, error));
    } else if (answer === 'taken' && !seen.has(key)) {
      first.push(item);
      places.set(key, index);
    } else if (found && !seen.has(key)) {
      for (const { item: one, at } of found.items) {
        if (found.call !== undefined) given.push({ call: found.call, at, place: done.length });
        done.push({ ...one, pairedItem: { item: index } });
      }
    } else {
      done.push(settings.mostAnswerBytes === null ? item : { ...item, json: { ...json, ...NOT_REMEMBERED } });
    }
    seen.add(key);
  }
  return { outputs: [first, asHandedOn(done, given)], keys: [...places.keys()], places };
}

/** Said of an item that goes on at Already done as it came, where the answer to it is expected. */
const NOT_REMEMBERED = { runOnce: { remembered: false } };

const heldError = (context: IExecuteFunctions, { waitMs }: OnceSettings, itemIndex: number): Error =>
  nodeError(
    context.getNode(),
    `Another run is doing this step now, and did not end within ${waitMs / 1_000} s`,
    {
      itemIndex,
      description:
        'A run of a Durable Mail trigger that fails here is tried again later. For steps that take longer, raise ' +
        '"Wait For" in the options.',
    },
  );
