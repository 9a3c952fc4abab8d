// What Pub/Sub pushes to the node's webhook: a verified push wakes whoever watches its account, in any process of n8n,
// and nothing else; it starts no execution. Invariants: only what comes from the subscription's service account does
// anything; whom it is not from learns nothing but that; what passes is answered so that Pub/Sub sends it again.
import type { IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';
import type { SendHttp } from '../../engine/http/send';
import { GoogleKeys } from '../../engine/gmail/notify/google-keys';
import { PushRefused, verifyPushToken } from '../../engine/gmail/notify/oidc';
import { readPush } from '../../engine/gmail/notify/push';
import { errorText } from '../../engine/runtime/log';
import { monotonicNow } from '../../engine/runtime/time';
import { noticeKey } from '../../engine/source/notices';
import { sendHttp } from '../host/n8n/http';
import { log } from '../host/n8n/log';
import { openStore } from '../host/store/store';
import { collection, type Parameters, text } from '../host/trigger/parameters';
import { address } from './settings/watching';

/** Strangers may call as often as they like: the log need not say so each time. */
const LOG_EVERY_MS = 60_000;

/** As much of Express' response as is used. */
interface Response {
  status(code: number): Response;
  json(body: unknown): unknown;
  end(): unknown;
}

/** Answers 204 to a push that is verified, 401 to one that is not, 503 where that, or the ledger, cannot be asked. */
export async function handlePush(context: IWebhookFunctions): Promise<IWebhookResponseData> {
  const response = context.getResponseObject() as unknown as Response;
  try {
    await verify(context);
    await wake(context);
    response.status(204).end();
  } catch (error) {
    const refused = error instanceof PushRefused;
    logSometimes(context, refused ? 'A push was refused' : 'A push could not be taken yet', error);
    if (refused) response.status(401).json({ error: 'unauthorized' });
    else response.status(503).json({ error: 'unavailable' });
  }
  return { noWebhookResponse: true };
}

async function verify(context: IWebhookFunctions): Promise<void> {
  const parameters: Parameters = {
    node: context.getNode(),
    get: (name) => context.getNodeParameter(name, null) ?? undefined,
  };
  return verifyPushToken(context.getHeaderData().authorization, {
    audience: text(parameters, 'pushAudience') || webhookUrl(context),
    serviceAccount: text(parameters, 'pushServiceAccount'),
    keys: keysAt(address(collection(parameters, 'options'), 'certificatesUrl'), sendHttp(context)),
  });
}

/** What a subscription has as its audience where it has none of its own. */
const webhookUrl = (context: IWebhookFunctions): string => context.getNodeWebhookUrl('default') ?? '';

/** A push about an account that the node does not watch is a success, too: nobody can use it, now or later. */
async function wake(context: IWebhookFunctions): Promise<void> {
  const push = readPush(context.getBodyData());
  if (!push) {
    logSometimes(context, 'A push was passed over', 'It is no notice of Gmail in the form of Pub/Sub');
    return;
  }
  const workflowId = context.getWorkflow().id ?? '';
  const store = await openStore(context);
  const subscriptions = await store.ledger.subscriptionsOf(workflowId, context.getNode().id);
  const pushed = subscriptions.filter(
    ({ source }) => source.kind === 'gmail' && source.account === push.address,
  );
  store.wake.notify(pushed.map(({ sourceId }) => noticeKey(sourceId)));
}

interface Kept {
  readonly keys: GoogleKeys;
  send: SendHttp;
}

/** Google's keys by their address, one for the process. */
const keysByUrl = new Map<string, Kept>();

function keysAt(url: string, send: SendHttp): GoogleKeys {
  const known = keysByUrl.get(url);
  if (known) {
    // That of the call at hand: an old one belongs to a call that is over.
    known.send = send;
    return known.keys;
  }
  const made: Kept = { send, keys: new GoogleKeys((request) => made.send(request), url) };
  keysByUrl.set(url, made);
  return made.keys;
}

const lastLogged = new Map<string, number>();

function logSometimes(context: IWebhookFunctions, what: string, why: unknown): void {
  const { id, name } = context.getNode();
  const last = lastLogged.get(`${id} ${what}`);
  if (last !== undefined && monotonicNow() - last < LOG_EVERY_MS) return;
  lastLogged.set(`${id} ${what}`, monotonicNow());
  log.warn(`${what}: ${errorText(why)}`, { node: name, workflow: context.getWorkflow().id });
}
