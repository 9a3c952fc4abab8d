// The idempotency key of what an item sends out (engine/ledger/outbox.ts), and the mail that it answers.
// Invariants:
// - a run that is tried again names each of its items as before: by what a person entered, else by the mail and which of its items
//   it is, counted at this node in the order in which they come;
// - nothing is guessed: where an item comes from a mail and nobody can tell from which, or how often its workflow is called for it,
//   a person has to enter a key. Two mails under one key would be one too few, one under two keys one too many;
// - where an AI agent has called the node as a tool, a try of the same call looks to it like another call: where n8n makes such tries,
//   a person has to enter a key;
// - what comes from no mail is named by its execution, and a retry of that by hand by the first one. Where another workflow has called
//   this one, a retry of that one calls it anew, and sends again, as does each test: who is told what became of it is told that, too.
import type { IExecuteFunctions } from 'n8n-workflow';
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

export interface EntryKey {
  /** A digest. */
  readonly key: string;
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
  const ofExecution = (itemIndex: number): string => digest(...execution, runIndex, itemIndex);
  const keyOf = (itemIndex: number): string => {
    const entered = enteredKey(context, itemIndex, IDEMPOTENCY_KEY);
    if (isRetriedTool && entered === null) refuseRetriedTool(context, itemIndex);
    if (isTried && isRetriedTool) return digest(...execution, 'key', entered!);
    if (isTried) return ofExecution(itemIndex);
    if (entered !== null) return digest(...step, 'key', entered);
    if (context.getMode() === 'integrated') {
      refuseMailOfCaller(context, itemIndex, held, IDEMPOTENCY_KEY);
      return ofExecution(itemIndex);
    }
    const mail = mailOfItem(context, itemIndex, 'idempotencyKey', mails);
    if (mail === undefined && mails.length === 0 && !comesFromMail(context)) return ofExecution(itemIndex);
    const found = mail ?? mailKey(context, itemIndex, mails, IDEMPOTENCY_KEY);
    return digest(...step, 'mail', found, count(found));
  };
  return (itemIndex) => ({
    key: keyOf(itemIndex),
    event: eventOfItem(context, itemIndex, (id) => held.mailEvents(id)) ?? null,
  });
}

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
