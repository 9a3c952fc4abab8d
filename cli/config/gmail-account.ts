// A Gmail account of the configuration, read by Google's API: by a refresh token, or by a service account that may act for it
// (domain-wide delegation, https://developers.google.com/identity/protocols/oauth2/service-account#delegatingauthority).
// Invariants: what can never work is said when the configuration is read; secrets are read anew for each token; a token that opens
// another account than the one that is named here is never used.
/* eslint-disable @typescript-eslint/explicit-module-boundary-types -- what zod infers is the type */
import { createHash } from 'node:crypto';
import type { z } from 'zod/v4';
import { GmailFault } from '../../engine/gmail/api/fault';
import {
  GOOGLE,
  isPrivateWay,
  MAIL_SCOPE,
  PUBSUB_SCOPE,
  SUBSCRIPTION_NAME,
  TOPIC_NAME,
} from '../../engine/gmail/api/google';
import type { AccessToken, GmailLogin } from '../../engine/gmail/api/login';
import { serviceAccountToken } from '../../engine/gmail/api/service-account';
import { addressOf } from '../../engine/gmail/api/whose';
import { fetchHttp } from '../../engine/http/fetch-http';
import { accessToken, checkOAuth2, oauth2Shape, tokenUrl } from './access-token';
import { named, type Origin, readSecret, type SecretPlace, secretSchema } from './secret';
import { isPlainUrl, known, mustBe, oneOf, type Zod } from './words';

const ADDRESS = /^[^\s@]+@[^\s@]+$/;
const SERVICE = 'https:// and the address of the API, without a user';

export function gmailAccountSchema(zod: Zod, origin: Origin) {
  const key = () => secretSchema(zod, origin);
  const service = (usual: string) =>
    zod
      .string()
      .refine(isServiceUrl, mustBe(SERVICE))
      .default(usual)
      .describe('Of an emulator, or a private endpoint');
  return known(zod, {
    kind: zod.literal('gmail'),
    user: zod.string().regex(ADDRESS, mustBe('the email address of the account')),
    oauth2: known(zod, {
      tokenUrl: tokenUrl(zod).default(GOOGLE.token),
      ...oauth2Shape(zod, origin),
    }).optional(),
    serviceAccount: key()
      .optional()
      .describe(
        'Instead: the key of a service account, as the JSON file that Google hands out, that may act for the account',
      ),
    scope: zod.string().min(1).default(MAIL_SCOPE).describe('What a service account asks for'),
    pubsub: known(zod, {
      topic: zod.string().regex(TOPIC_NAME, mustBe('projects/my-project/topics/gmail')),
      subscription: zod.string().regex(SUBSCRIPTION_NAME, mustBe('projects/my-project/subscriptions/gmail')),
      serviceAccount: key().optional().describe('Where it is another one than that of the account'),
    })
      .optional()
      .describe('New mail within seconds: Gmail tells the topic, and its subscription is pulled'),
    quotaTable: zod
      .enum(['new', 'old'])
      .default('new')
      .describe('Of the Google Cloud project, as the trigger has it'),
    apiBaseUrl: service(GOOGLE.gmail),
    pubsubBaseUrl: service(GOOGLE.pubsub),
  })
    .refine(oneOf('oauth2', 'serviceAccount'), {
      error: 'must have oauth2 or a serviceAccount, and not both',
    })
    .refine(({ pubsub, serviceAccount }) => !pubsub || serviceAccount || pubsub.serviceAccount, {
      path: ['pubsub'],
      error: 'needs a serviceAccount: Pub/Sub is pulled by one',
    });
}

/** No token goes over a line that others may listen to. */
const isServiceUrl = (text: string): boolean => isPlainUrl(text) && isPrivateWay(new URL(text));

export type GmailAccount = z.output<ReturnType<typeof gmailAccountSchema>>;

/** As the ledger names it. */
export const gmailAddress = ({ user }: GmailAccount): string => user.toLowerCase();

/**
 * Its login, each time as its secrets are then.
 * @param name as people find it in the configuration
 * @returns throws GmailFault
 */
export function gmailLoginOf(name: string, account: GmailAccount): () => Promise<GmailLogin> {
  const { apiBaseUrl, pubsubBaseUrl, quotaTable, oauth2 } = account;
  const login: Omit<GmailLogin, 'token'> = {
    address: gmailAddress(account),
    send: fetchHttp,
    endpoints: { gmail: apiBaseUrl, pubsub: pubsubBaseUrl },
    quota: quotaTable,
    credential: { id: `configuration:${name}`, name, type: 'configuration' },
  };
  const token = oauth2
    ? ofTheAccount(accessToken(`The account ${name}`, oauth2, fault), login)
    : serviceToken(name, 'serviceAccount', account.serviceAccount!, {
        subject: login.address,
        scope: account.scope,
      });
  return () => Promise.resolve({ ...login, token });
}

/** Names the secrets that its login is made of now, without telling them: they change with each edit. @returns throws Error */
export function storedGmailLogin({ oauth2, serviceAccount }: GmailAccount): () => Promise<string> {
  const places = [oauth2?.refreshToken, oauth2?.clientSecret, serviceAccount];
  return async () => {
    const secrets = places.map((place) => place && readSecret(place));
    return createHash('sha256').update(JSON.stringify(secrets)).digest('hex');
  };
}

/** Of the service account that reads Pub/Sub. Undefined: there is none. */
export function pubsubTokenOf(
  name: string,
  { pubsub, serviceAccount }: GmailAccount,
): (() => Promise<AccessToken>) | undefined {
  const [key, place] = pubsub?.serviceAccount
    ? ['pubsub.serviceAccount', pubsub.serviceAccount]
    : ['serviceAccount', serviceAccount];
  const token = place && serviceToken(name, key, place, { scope: PUBSUB_SCOPE });
  return token && (() => Promise.resolve(token));
}

/** Reads all that a login takes, and asks nobody. @throws Error that names what is missing */
export function checkGmailAccount(name: string, { oauth2, serviceAccount, pubsub }: GmailAccount): void {
  if (oauth2) checkOAuth2(name, oauth2);
  if (serviceAccount) named(name, 'serviceAccount', () => serviceKey(readSecret(serviceAccount)));
  if (pubsub?.serviceAccount)
    named(name, 'pubsub.serviceAccount', () => serviceKey(readSecret(pubsub.serviceAccount!)));
}

const fault = (kind: 'login' | 'unreachable', message: string, more?: ErrorOptions): GmailFault =>
  new GmailFault(kind, message, more);

/** Whose account a refresh token opens nobody can see: Google is asked for each new access token, once for all that wait for it. */
function ofTheAccount(token: AccessToken, login: Omit<GmailLogin, 'token'>): AccessToken {
  let asked: { readonly token: string; readonly isIts: Promise<void> } | undefined;
  return async (afterRejection) => {
    const found = await token(afterRejection);
    if (asked?.token !== found) {
      const isIts = refuseOther(token, login);
      const asking = { token: found, isIts };
      asked = asking;
      isIts.catch(() => {
        if (asked === asking) asked = undefined;
      });
    }
    await asked.isIts;
    return found;
  };
}

/** @throws GmailFault */
async function refuseOther(token: AccessToken, login: Omit<GmailLogin, 'token'>): Promise<void> {
  const { name } = login.credential!;
  const address = await addressOf({ ...login, token }, `account ${name}`);
  if (address !== login.address)
    throw fault(
      'login',
      `The refresh token of the account ${name} opens the mail of ${address}, and not of ${login.address}. ` +
        'Correct user, or sign in as that user for another token.',
    );
}

interface ServiceKey {
  readonly email: string;
  readonly privateKey: string;
  readonly tokenUrl: string;
}

/** @throws Error that says what it is not */
function serviceKey(json: string): ServiceKey {
  let read: Readonly<Record<string, unknown>>;
  try {
    read = { ...(JSON.parse(json) as object) };
  } catch {
    throw new Error('it is no JSON: give the file that Google hands out for a key of the service account');
  }
  const { client_email: email, private_key: privateKey, token_uri: tokenUrl = GOOGLE.token } = read;
  if (typeof email !== 'string' || typeof privateKey !== 'string')
    throw new Error(
      'client_email or private_key is missing: give the whole JSON file that Google hands out for a key',
    );
  if (typeof tokenUrl !== 'string' || !isServiceUrl(tokenUrl))
    throw new Error('token_uri is no address of a token endpoint that begins with https://');
  return { email, privateKey, tokenUrl };
}

/** Traded anew where another key stands there now. */
function serviceToken(
  name: string,
  key: string,
  place: SecretPlace,
  { subject, scope }: { readonly subject?: string; readonly scope: string },
): AccessToken {
  let made: { readonly json: string; readonly token: AccessToken } | undefined;
  return async (afterRejection) => {
    try {
      const json = named(name, key, () => readSecret(place));
      if (made?.json !== json) {
        const account = named(name, key, () => serviceKey(json));
        const scopes = scope.split(/\s+/);
        const more = subject === undefined ? {} : { subject };
        made = { json, token: serviceAccountToken({ ...account, ...more, scopes, send: fetchHttp }) };
      }
    } catch (error) {
      throw fault('login', `No access token: ${(error as Error).message}.`, { cause: error });
    }
    return made.token(afterRejection);
  };
}
