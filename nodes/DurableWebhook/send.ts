// Sends a webhook for each item: an entry of the outbox, sent now or left to the background, and an item that says what became of it.
// Invariants: what is wrong with an item is told before any of its group is queued; a webhook that is there from an earlier try is
// never made or sent again; where the run has to know more than anybody does, it fails.
import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import type { Ledger } from '../../engine/ledger/ledger';
import type { NewEntry, Outbox } from '../../engine/ledger/outbox';
import {
  jsonContent,
  jsonTextContent,
  type WebhookContent,
} from '../../engine/outbox/webhook/packed-webhook';
import { WEBHOOK_KIND, webhookEntry } from '../../engine/outbox/webhook/webhook-request';
import { isOpen } from '../../engine/outbox/waiters';
import type { OutboxWorker } from '../../engine/outbox/worker';
import { errorText } from '../../engine/runtime/log';
import { cancelSignal } from '../host/n8n/cancel';
import { errorItem, orGoOn } from '../host/n8n/going-on';
import { hintOf } from '../host/n8n/newer';
import { nodeError } from '../host/n8n/node-error';
import { failedItem } from '../host/outgoing/failed-item';
import { whyNotSent } from '../host/outgoing/outcome';
import { type Queued, queueAll, type Wish } from '../host/outgoing/queueing';
import {
  goOn,
  isInBackground,
  isSentBySomebody,
  nobodySends,
  sendNow,
  waitedFor,
} from '../host/outgoing/sending';
import { type EntryKey, entryKeys, isFoundByRetry, type MailsHeld } from '../host/run/entry-keys';
import { DAY_MS, readNumber } from '../host/trigger/numbers';
import { answerOf } from './answers';
import { WEBHOOK_NUMBERS as NUMBERS } from './numbers';
import { advised } from './refused';
import {
  fault,
  headersOf,
  optionsOf,
  requestOf,
  type Secrets,
  secretsOf,
  textParameter,
  timesOf,
} from './settings';

const WHAT = { what: 'webhook' };

export interface SendStore {
  readonly ledger: Pick<Outbox, 'enqueue' | 'entriesOf'> & Pick<Ledger, 'sources' | 'isListenedTo'>;
  readonly outbox: Pick<OutboxWorker, 'sendNow' | 'queued'>;
  readonly runs: MailsHeld;
  readonly listeners: ReadonlySet<unknown>;
}

/** @throws NodeOperationError */
export async function sendWebhooks(
  context: IExecuteFunctions,
  store: SendStore,
): Promise<INodeExecutionData[]> {
  // What was sent before is handed out without them: a credential may be gone by now.
  let read: Promise<Secrets> | undefined;
  const secrets = (): Promise<Secrets> => (read ??= secretsOf(context));
  const keyOf = entryKeys(context, WEBHOOK_KIND, store.runs);
  const wishes = context.getInputData().map((_, index) => wishOf(context, index, keyOf, secrets));
  const asked = await queueAll(store.ledger, wishes, context.continueOnFail());
  const queued = asked.filter((one): one is Queued => 'entry' in one);
  const isAnyOpen = queued.some(({ entry }) => isOpen(entry));
  // Of an earlier try of the run, or a process that has stopped: this one can go on with it.
  if (isAnyOpen) await orGoOn(context, secrets);
  store.outbox.queued();
  if (isInBackground(context)) {
    await sayWhoSends(context, store, queued);
    return asked.map((one, index) =>
      'error' in one ? errorItem(index, one.error) : answerOf(one.entry, one.repeated, index),
    );
  }
  const times = isAnyOpen ? await orGoOn(context, () => timesOf(optionsOf(context, 0))) : null;
  const patience = { ...(times ?? timesOf({})), signal: cancelSignal(context) };
  const settled = await sendNow(store.outbox, queued, patience);
  const goesOn = await goOn(settled.values(), store);
  return asked.map((one, index) => {
    if ('error' in one) return errorItem(index, one.error);
    const entry = settled.get(one.entry.id) ?? one.entry;
    const sent = { ...WHAT, isFoundByRetry: isFoundByRetry(context, index), goesOn };
    const told = whyNotSent(entry, sent, waitedFor(entry, patience));
    const answer = answerOf(entry, one.repeated, index);
    if (!told) return answer;
    const { message, description } = told;
    if (!context.continueOnFail())
      throw nodeError(context.getNode(), message, { description, itemIndex: index });
    return failedItem(context, index, told, answer.json);
  });
}

/** What is asked for an item, or why nothing can be. */
function wishOf(
  context: IExecuteFunctions,
  itemIndex: number,
  keyOf: (itemIndex: number) => EntryKey,
  secrets: () => Promise<Secrets>,
): Wish | Error {
  const asError = (error: unknown): Error =>
    nodeError(context.getNode(), advised(error as Error), { itemIndex });
  try {
    const of = keyOf(itemIndex);
    return {
      of,
      make: async (key) => {
        try {
          return await newEntry(context, itemIndex, { ...of, key }, await secrets());
        } catch (error) {
          throw asError(error);
        }
      },
    };
  } catch (error) {
    return asError(error);
  }
}

/** @throws Error that says what is wrong with the item's webhook */
async function newEntry(
  context: IExecuteFunctions,
  itemIndex: number,
  { key, event }: EntryKey,
  secrets: Secrets,
): Promise<NewEntry> {
  // What the run waits with: else it would fail for that when the webhook is queued, and goes out.
  if (!isInBackground(context)) timesOf(optionsOf(context, 0));
  const options = optionsOf(context, itemIndex);
  const url = textParameter(context, 'url', itemIndex);
  if (url === '') throw new Error('"URL" is empty: nothing was sent.');
  const { id: nodeId, name: nodeName } = context.getNode();
  return webhookEntry({
    ...{ key, subject: null, request: requestOf(context, itemIndex, url, secrets) },
    content: contentOf(context, itemIndex, url),
    origin: { workflowId: context.getWorkflow().id ?? null, nodeId, nodeName, event },
    keepMs: readNumber(options['keepDays'], NUMBERS.keepDays) * DAY_MS,
  });
}

/** @throws Error: what was entered is no JSON */
function contentOf(context: IExecuteFunctions, itemIndex: number, url: string): WebhookContent {
  const headers = headersOf(optionsOf(context, itemIndex));
  if (context.getNodeParameter('body', itemIndex, 'item') === 'item')
    return jsonContent(url, context.getInputData()[itemIndex]!.json, headers);
  const entered: unknown = context.getNodeParameter('json', itemIndex);
  if (typeof entered !== 'string') return jsonContent(url, entered, headers);
  try {
    JSON.parse(entered);
    return jsonTextContent(url, entered, headers);
  } catch (error) {
    throw fault(`"JSON" is none: ${errorText(error)}. It looks like { "order": 17 }.`);
  }
}

async function sayWhoSends(
  context: IExecuteFunctions,
  store: SendStore,
  queued: readonly Queued[],
): Promise<void> {
  const waits = queued.some(({ entry: { state } }) => state === 'QUEUED');
  if (waits && !(await isSentBySomebody(store))) hintOf(context, nobodySends(WHAT.what));
}
