// The node's parameters for one item, read once into typed settings.
// Invariant: a setting that can never work throws an Error that names it, before anything is queued or saved.
import type { ICredentialDataDecryptedObject, IExecuteFunctions } from 'n8n-workflow';
import { checkDomain } from '../../engine/outbox/webhook/allowed-domains';
import { authParts } from '../../engine/outbox/webhook/secret-headers';
import { checkedSecret } from '../../engine/outbox/webhook/sign';
import {
  type CredentialRef,
  DEFAULT_WEBHOOK_SCHEDULE,
  ownSchedule,
  STANDARD_WEBHOOKS_SCHEDULE,
  type WebhookRequest,
  type WebhookSigning,
} from '../../engine/outbox/webhook/webhook-request';
import { checkedUrl } from '../../engine/outbox/webhook/webhook-url';
import { errorText } from '../../engine/runtime/log';
import { titleOf } from '../host/n8n/credential-name';
import { mayGoToOwnNetwork } from '../host/outgoing/own-network';
import type { Patience } from '../host/outgoing/sending';
import { credentialOfNode } from '../host/outgoing/stored-credential';
import { DAY_MS, readNumber, SECOND_MS } from '../host/trigger/numbers';
import { MOST_DELAY_DAYS, MOST_TRIES, WEBHOOK_NUMBERS as NUMBERS } from './numbers';

/** Of the collection "Options", as they come: expressions may give anything. */
export type Options = Readonly<Record<string, unknown>>;

const SIGNING = 'durableWebhookSigning';
const AUTHS: readonly string[] = ['httpBasicAuth', 'httpHeaderAuth', 'httpQueryAuth'];

export const optionsOf = (context: IExecuteFunctions, itemIndex: number): Options =>
  context.getNodeParameter('options', itemIndex, {});

/** How long a run waits for its webhooks. @throws Error that names the option */
export const timesOf = (options: Options): Pick<Patience, 'waitMs' | 'mostAMinute'> => ({
  waitMs: readNumber(options['waitSeconds'], NUMBERS.waitSeconds) * SECOND_MS,
  mostAMinute: readNumber(options['mostAMinute'], NUMBERS.mostAMinute) || null,
});

/** As text, without the space around it. */
export const textParameter = (context: IExecuteFunctions, name: string, itemIndex: number): string =>
  plainText(context.getNodeParameter(name, itemIndex, '')).trim();

export function plainText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return JSON.stringify(value);
}

/** Of the whole call: a node has one credential of a type. */
export interface Secrets {
  readonly signing: CredentialRef | null;
  readonly auth: Authorizing | null;
}

/** Each item has its own URL: whether the credential may be sent there is seen by what is in it. */
type Authorizing = Awaited<ReturnType<typeof credentialOfNode>>;

/** @throws Error that names the credential that can never sign, or never be sent */
export async function secretsOf(context: IExecuteFunctions): Promise<Secrets> {
  const signing = context.getNodeParameter('signing', 0, 'standard');
  const auth = plainText(context.getNodeParameter('authentication', 0, 'none'));
  let signs: CredentialRef | null = null;
  if (signing !== 'none') {
    const { credential, data } = await credentialOfNode(context, SIGNING);
    checkSecrets(data, credential.name, signing === 'standard');
    signs = credential;
  }
  if (auth === 'none') return { signing: signs, auth: null };
  if (!AUTHS.includes(auth))
    throw new Error('"Authentication" must be one of the choices that the node has.');
  const authorizes = await credentialOfNode(context, auth);
  authParts(authorizes.credential, authorizes.data);
  return { signing: signs, auth: authorizes };
}

/** @throws Error */
export function checkSecrets(
  { secret, previousSecret }: ICredentialDataDecryptedObject,
  name: string,
  isStandard: boolean,
): void {
  const title = titleOf(name, SIGNING);
  if (plainText(secret).trim() === '') throw new Error(`Secret is empty in the credential ${title}.`);
  if (!isStandard) return;
  for (const [field, value] of [
    ['Secret', secret],
    ['Previous Secret', previousSecret],
  ] as const) {
    const text = plainText(value).trim();
    if (text === '') continue;
    try {
      checkedSecret(text);
    } catch (error) {
      throw fault(`${field} in the credential ${title} cannot sign. ${errorText(error)}`);
    }
  }
}

/** In words of its own: what it comes from is in them. */
export const fault = (message: string): Error => new Error(message);

/** @param url where it goes @throws Error that names the setting, or the credential that is not to be sent there */
export function requestOf(
  context: IExecuteFunctions,
  itemIndex: number,
  url: string,
  { signing, auth }: Secrets,
): WebhookRequest {
  const options = optionsOf(context, itemIndex);
  const mostAMinute = readNumber(options['mostAMinute'], NUMBERS.mostAMinute);
  const allowOwnNetwork = mayGoToOwnNetwork(url);
  if (auth) checkDomain(auth.credential, auth.data, checkedUrl(url, { allowOwnNetwork }));
  return {
    form: 1,
    signing: signingOf(context, itemIndex, signing),
    auth: auth?.credential ?? null,
    timeoutMs: readNumber(options['timeoutSeconds'], NUMBERS.timeoutSeconds) * SECOND_MS,
    schedule: scheduleOf(options),
    limits: {
      mostAtOnce: readNumber(options['mostAtOnce'], NUMBERS.mostAtOnce),
      mostAMinute: mostAMinute === 0 ? null : mostAMinute,
    },
    allowOwnNetwork,
    repeats: options['inDoubt'] !== 'aside',
    endpoint: null,
  };
}

function signingOf(
  context: IExecuteFunctions,
  itemIndex: number,
  credential: CredentialRef | null,
): WebhookSigning {
  if (credential === null) return { kind: 'none' };
  if (context.getNodeParameter('signing', 0, 'standard') === 'standard')
    return { kind: 'standard', credential };
  const header = textParameter(context, 'signatureHeader', itemIndex);
  if (header === '') throw new Error('"Signature Header" is empty: nothing was sent.');
  // With its space: `HMAC-SHA256 ` is one.
  const prefix = plainText(context.getNodeParameter('signaturePrefix', itemIndex, ''));
  return { kind: 'hmac', credential, header, prefix };
}

function scheduleOf(options: Options): WebhookRequest['schedule'] {
  switch (options['tries'] ?? 'usual') {
    case 'usual':
      return DEFAULT_WEBHOOK_SCHEDULE;
    case 'standard':
      return STANDARD_WEBHOOKS_SCHEDULE;
    case 'own':
      return ownSchedule(delays(options['delays'] ?? '60, 300, 900'));
    default:
      throw new Error('"Tries" must be one of the choices that the node has.');
  }
}

/** @param value seconds, separated by commas */
function delays(value: unknown): readonly number[] {
  const parts = plainText(value)
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const seconds = parts.map(Number);
  const fits = seconds.every((delay) => delay >= 0 && delay * SECOND_MS <= MOST_DELAY_DAYS * DAY_MS);
  if (fits && seconds.length <= MOST_TRIES) return seconds.map((delay) => Math.round(delay * SECOND_MS));
  throw new Error(
    `"Tries: After (Seconds)" must be up to ${MOST_TRIES} numbers of seconds, separated by commas, such as 60, 300, 900: each at ` +
      `most ${MOST_DELAY_DAYS} days.`,
  );
}

/** @throws Error: two of one name */
export function headersOf(options: Options): Readonly<Record<string, string>> {
  const { header = [] } = (options['headers'] ?? {}) as { header?: { name?: unknown; value?: unknown }[] };
  const headers: Record<string, string> = {};
  for (const { name, value } of header) {
    const shown = plainText(name).trim();
    if (Object.keys(headers).some((other) => other.toLowerCase() === shown.toLowerCase()))
      throw new Error(`The header "${shown}" is there twice.`);
    headers[shown] = plainText(value);
  }
  return headers;
}
