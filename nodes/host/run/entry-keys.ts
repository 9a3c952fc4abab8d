// The idempotency key of what an item sends out (engine/ledger/outbox.ts), and the mail that it answers.
// Invariants:
// - a run that is tried again names each of its items as before: by what a person entered, else by the mail and which of its items
//   it is, counted at this node in the order in which they come;
// - nothing is guessed: where an item comes from a mail and nobody can tell from which, or how often its workflow is called for it,
//   a person has to enter a key. Two mails under one key would be one too few, one under two keys one too many;
// - where an AI agent has called the node as a tool, a try of the same call looks to it like another call: where n8n makes such tries,
//   a person has to enter a key;
// - what comes from no mail is named by its execution, and a retry of that by hand by the first one. Where another workflow has called
//   this one, a retry of that one calls it anew, and sends again, as does each test: who is told what became of it is told that, too;
// - the number of an execution names it for as long as n8n keeps its database: what was queued long before a run began is not of that run.
import type { IExecuteFunctions } from 'n8n-workflow';
import { beganAt } from '../n8n/internals';
import { isAgentsCall } from '../n8n/newer';
import { nodeError } from '../n8n/node-error';
import {
  digest,
  enteredKey,
  firstExecution,
  isTest,
  itemCounter,
  type KeyField,
  mailKey,
  refuseMailOfCaller,
  runIndexOf,
} from './item-keys';
import { comesFromMail, eventOfItem, mailOfItem } from './mail-of-item';

const IDEMPOTENCY_KEY: KeyField = { name: 'idempotencyKey', shown: 'Idempotency Key' };

/** The mails that executions hold in this process. */
export interface MailsHeld {
  mailKeys(executionId: string): readonly string[];
  mailEvents(executionId: string): readonly string[];
}

/**
 * How long before a run began, ms, what has its key may have been queued: a run that n8n begins again, after the worker that had it
 * crashed, began later than what it has queued.
 */
const RUN_AGAIN_MS = 86_400_000;

export interface EntryKey {
  /** A digest. */
  readonly key: string;
  /** The key instead, where what has `key` was queued before that time, ms since 1970; null: whatever has it is this one. */
  readonly anew: { readonly key: string; readonly before: number } | null;
  /** The event of the mail that the item comes from. Null: none, or nobody can tell. */
  readonly event: string | null;
}

/**
 * The keys of the items of one call of a node. To be asked for each item once, in their order.
 * @param kind of entry: nodes of several kinds do not share keys
 */
export function entryKeys(
  context: IExecuteFunctions,
  kind: string,
  held: MailsHeld,
): (itemIndex: number) => EntryKey {
  const runIndex = runIndexOf(context);
  const step = [kind, context.getWorkflow().id ?? '', context.getNode().id] as const;
  const mails = held.mailKeys(context.getExecutionId());
  const count = itemCounter(context, runIndex);
  // What a person tries in the editor leaves nothing that a run would find, and is sent each time.
  const isTried = isTest(context);
  const isRetriedTool = context.getNode().retryOnFail === true && isAgentsCall(context);
  const execution = [...step, 'execution', context.getInstanceId(), firstExecution(context)] as const;
  const began = beganAt(context);
  const inExecution = (...item: readonly (string | number)[]): Named => ({
    key: digest(...execution, ...item),
    anew:
      began === null
        ? null
        : { key: digest(...execution, 'anew', began, ...item), before: began - RUN_AGAIN_MS },
  });
  const ofExecution = (itemIndex: number): Named => inExecution(runIndex, itemIndex);
  const always = (...parts: readonly (string | number)[]): Named => ({
    key: digest(...step, ...parts),
    anew: null,
  });
  const nameOf = (itemIndex: number): Named => {
    const entered = enteredKey(context, itemIndex, IDEMPOTENCY_KEY);
    if (isRetriedTool && entered === null) refuseRetriedTool(context, itemIndex);
    if (isTried && isRetriedTool) return inExecution('key', entered!);
    if (isTried) return ofExecution(itemIndex);
    if (entered !== null) return always('key', entered);
    if (context.getMode() === 'integrated') {
      refuseMailOfCaller(context, itemIndex, held, IDEMPOTENCY_KEY);
      return ofExecution(itemIndex);
    }
    const mail = mailOfItem(context, itemIndex, 'idempotencyKey', mails);
    if (mail === undefined && mails.length === 0 && !comesFromMail(context)) return ofExecution(itemIndex);
    const found = mail ?? mailKey(context, itemIndex, mails, IDEMPOTENCY_KEY);
    return always('mail', found, count(found));
  };
  return (itemIndex) => ({
    ...nameOf(itemIndex),
    event: eventOfItem(context, itemIndex, (id) => held.mailEvents(id)) ?? null,
  });
}

type Named = Pick<EntryKey, 'key' | 'anew'>;

/** Each try would send, also what an earlier one has queued. */
function refuseRetriedTool(context: IExecuteFunctions, itemIndex: number): never {
  throw nodeError(
    context.getNode(),
    'As a tool that n8n tries again ("Retry On Fail"), this step needs a key for what it sends',
    {
      itemIndex,
      description:
        'n8n does not tell a try of the same call from another call of the agent, so the same would be sent twice. Switch off Retry On ' +
        `Fail in the settings of this step: the outbox tries again by itself. Or enter an ${IDEMPOTENCY_KEY.shown} that names what is ` +
        'sent once, such as an order number.',
    },
  );
}

/** Whether a person who has the run retried comes to the same key. */
export const isFoundByRetry = (context: IExecuteFunctions, itemIndex: number): boolean =>
  !isTest(context) &&
  (context.getMode() !== 'integrated' || enteredKey(context, itemIndex, IDEMPOTENCY_KEY) !== null);
