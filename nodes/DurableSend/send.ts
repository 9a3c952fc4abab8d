// One call of the node: an entry of the outbox for each item, sent now or left to the background, and an item for each.
// Invariants: what is wrong with an item is told before any of its group is queued; an email that is there from an earlier try is
// never made or sent again; where the run has to know more than anybody does, it fails.
import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import type { NewEntry, Outbox } from '../../engine/ledger/outbox';
import { senderOf } from '../../engine/outbox/mail/address-field';
import { buildMail } from '../../engine/outbox/mail/mail-content';
import { MAIL_KIND, toRow } from '../../engine/outbox/mail/mail-request';
import { packOutgoing, recipientsText } from '../../engine/outbox/mail/packed-mail';
import type { OutboxWorker } from '../../engine/outbox/worker';
import type { Ledger } from '../../engine/ledger/ledger';
import { cancelSignal } from '../host/n8n/cancel';
import { errorItem, itemsOrErrors, orGoOn } from '../host/n8n/going-on';
import { hintOf } from '../host/n8n/newer';
import { nodeError } from '../host/n8n/node-error';
import { failedItem } from '../host/outgoing/failed-item';
import { whyNotSent } from '../host/outgoing/outcome';
import { type Asked, type Queued, queueAll, type Wish } from '../host/outgoing/queueing';
import {
  goOn,
  isInBackground,
  isSentBySomebody,
  nobodySends,
  sendNow,
  waitedFor,
} from '../host/outgoing/sending';
import { type EntryKey, entryKeys, isFoundByRetry, type MailsHeld } from '../host/run/entry-keys';
import { digest } from '../host/run/item-keys';
import { answerOf } from './answers';
import { type DraftLedger, draftOf } from './draft';
import { addressText } from './list-fields';
import { type OutgoingLogin, readLogin } from './login';
import { MOST_EMAIL_MB } from './numbers';
import { optionsOf, refuseOtherOperations, sendSettings } from './settings';

const MB = 1024 * 1024;

interface Store {
  readonly ledger: DraftLedger &
    Pick<Outbox, 'enqueue' | 'entriesOf'> &
    Pick<Ledger, 'sources' | 'isListenedTo'>;
  readonly outbox: Pick<OutboxWorker, 'sendNow' | 'queued'>;
  readonly runs: MailsHeld;
  readonly listeners: ReadonlySet<unknown>;
}

type OpenStore = (context: IExecuteFunctions) => Promise<Store>;

/** @throws NodeOperationError: the node does not go on after errors */
export const durableSend = (
  context: IExecuteFunctions,
  openStore: OpenStore,
): Promise<INodeExecutionData[]> => itemsOrErrors(context, () => sendEmails(context, openStore));

/** @throws Error */
async function sendEmails(context: IExecuteFunctions, openStore: OpenStore): Promise<INodeExecutionData[]> {
  refuseOtherOperations(context);
  const store = await openStore(context);
  // What was sent before is handed out without one: its credential may be gone by now.
  let read: Promise<OutgoingLogin> | undefined;
  const login = (): Promise<OutgoingLogin> => (read ??= readLogin(context));
  const keyOf = entryKeys(context, MAIL_KIND, store.runs);
  const made = new Map<string, readonly string[]>();
  const wishes = context
    .getInputData()
    .map((_, index) => wishOf(context, index, keyOf, login, store.ledger, made));
  const asked = await queueAll(store.ledger, wishes, context.continueOnFail());
  const queued = asked.filter((one): one is Queued => 'entry' in one);
  // Of an earlier try of the run, or a process that has stopped: this one can go on with it.
  if (queued.some(({ entry }) => entry.state === 'QUEUED')) await orGoOn(context, login);
  store.outbox.queued();
  const senders = await sendersOf(context, asked);
  if (isInBackground(context)) {
    await sayWhoSends(context, store, queued);
    return asked.map((one, index) =>
      'error' in one
        ? errorItem(index, one.error)
        : answerOf(one.entry, one.repeated, senders[index]!, index, made.get(one.entry.key)),
    );
  }
  const { waitMs, limits } =
    (await orGoOn(context, () => sendSettings(optionsOf(context, 0)))) ?? sendSettings({});
  const patience = { waitMs, mostAMinute: limits.mostAMinute, signal: cancelSignal(context) };
  const settled = await sendNow(store.outbox, queued, patience);
  const goesOn = await goOn(settled.values(), store);
  return asked.map((one, index) => {
    if ('error' in one) return errorItem(index, one.error);
    const entry = settled.get(one.entry.id) ?? one.entry;
    const sent = { what: 'email', isFoundByRetry: isFoundByRetry(context, index), goesOn };
    const told = whyNotSent(entry, sent, waitedFor(entry, patience));
    if (!told) return answerOf(entry, one.repeated, senders[index]!, index, made.get(entry.key));
    const { message, description } = told;
    const error = nodeError(context.getNode(), message, { description, itemIndex: index });
    if (!context.continueOnFail()) throw error;
    const { json } = answerOf(entry, one.repeated, senders[index]!, index, made.get(entry.key));
    return failedItem(context, index, told, { outbox: json['outbox']! });
  });
}

/** What is asked for an item, or why nothing can be. */
function wishOf(
  context: IExecuteFunctions,
  itemIndex: number,
  keyOf: (itemIndex: number) => EntryKey,
  login: () => Promise<OutgoingLogin>,
  ledger: DraftLedger,
  made: Map<string, readonly string[]>,
): Wish | Error {
  const asError = (error: unknown): Error => nodeError(context.getNode(), error as Error, { itemIndex });
  try {
    const of = keyOf(itemIndex);
    return {
      of,
      make: async (key) => {
        try {
          return await newEntry(context, itemIndex, { ...of, key }, await login(), ledger, made);
        } catch (error) {
          throw asError(error);
        }
      },
    };
  } catch (error) {
    return asError(error);
  }
}

/** @throws Error that says what is wrong with the item's email */
async function newEntry(
  context: IExecuteFunctions,
  itemIndex: number,
  { key, event }: EntryKey,
  { lane, login, sent }: OutgoingLogin,
  ledger: DraftLedger,
  made: Map<string, readonly string[]>,
): Promise<NewEntry> {
  const { keepMs, ...settings } = sendSettings(optionsOf(context, itemIndex));
  const draft = await draftOf(context, itemIndex, event, ledger);
  const mail = await buildMail({ ...draft, messageName: messageNameOf(context, key) });
  if (mail.raw.length > MOST_EMAIL_MB * MB)
    throw new Error(
      `The email is larger than ${MOST_EMAIL_MB} MB, with its attachments as they are sent (${Math.ceil(mail.raw.length / MB)} MB): ` +
        'nothing was sent. Send smaller attachments, or links to them.',
    );
  made.set(key, mail.envelope.to);
  const { id: nodeId, name: nodeName } = context.getNode();
  const { schedule, inDoubt, limits, allowUnauthorizedCerts } = settings;
  const request = {
    form: 1,
    login,
    schedule,
    inDoubt,
    sent,
    limits,
    allowUnauthorizedCerts,
  } as const;
  return {
    ...{ key, kind: MAIL_KIND, lane, request: toRow(request), content: await packOutgoing(mail) },
    recipient: recipientsText(mail.envelope),
    ...{ subject: mail.subject, messageId: mail.messageId, repeats: false, keepMs },
    origin: { workflowId: context.getWorkflow().id ?? null, nodeId, nodeName, event },
  };
}

/** Of its Message-ID: the same in every try; another one in another n8n, whose keys may be the same: a copy to try things out. */
const messageNameOf = (context: IExecuteFunctions, key: string): string =>
  digest('Message-ID', context.getInstanceId(), key).slice(0, 40);

/** Of the envelope, for each item that has one. */
const sendersOf = (context: IExecuteFunctions, asked: readonly Asked[]): Promise<readonly string[]> =>
  Promise.all(
    asked.map(async (one, index) => {
      if ('error' in one) return '';
      // One that was queued before goes by what was sent then, whatever is filled in now.
      return senderOf(
        await addressText('From', context.getNodeParameter('fromEmail', index, '')).catch(() => ''),
      );
    }),
  );

async function sayWhoSends(
  context: IExecuteFunctions,
  store: Store,
  queued: readonly Queued[],
): Promise<void> {
  const waits = queued.some(({ entry: { state } }) => state === 'QUEUED');
  if (waits && !(await isSentBySomebody(store))) hintOf(context, nobodySends('email'));
}
