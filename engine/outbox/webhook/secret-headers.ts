// What is secret of a webhook's request, asked of n8n anew for each try, so that a secret that was changed counts at once.
// Invariants: what is told of a credential that is not as it should be is its name, and never what is in it; it goes where it may be
// sent by now, and nowhere else; a user, a password and a secret of plain HMAC are any text, and go as they were entered.
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { checkDomain } from './allowed-domains';
import { plainSignature, standardSignature, webhookId } from './sign';
import type { CredentialRef, WebhookRequest } from './webhook-request';
import { WebhookFault } from './webhook-url';

/**
 * What is in an n8n credential, decrypted.
 * @returns null: it is not there, or this process cannot read it
 */
export type CredentialOf = (credential: CredentialRef) => Promise<Readonly<Record<string, unknown>> | null>;

/** A credential is not there, or not as it should be: a person has to see to it, and then it goes on. */
export class CredentialFault extends Error {
  override readonly name = 'CredentialFault';
}

export interface SecretParts {
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of Query Auth. */
  readonly query: readonly (readonly [name: string, value: string])[];
  /** To be looked for in what the receiver answers: one may answer with what it was sent. */
  readonly secrets: readonly string[];
}

export interface ToSign {
  /** Where it goes. */
  readonly url: URL;
  readonly key: string;
  readonly body: Uint8Array;
  /** ms since 1970, of this try. */
  readonly now: number;
}

/** @throws CredentialFault; WebhookFault: a credential is not to be sent there */
export async function secretParts(
  { signing, auth }: Pick<WebhookRequest, 'signing' | 'auth'>,
  { url, key, body, now }: ToSign,
  credentialOf: CredentialOf,
): Promise<SecretParts> {
  const id = webhookId(key);
  const timestamp = Math.floor(now / 1000);
  const headers: Record<string, string> = { 'webhook-id': id, 'webhook-timestamp': String(timestamp) };
  const authorized = auth ? allowedParts(auth, await dataOf(auth, credentialOf), url) : null;
  Object.assign(headers, authorized?.headers);
  const secrets = [...(authorized?.secrets ?? [])];
  if (signing.kind !== 'none') {
    const data = await dataOf(signing.credential, credentialOf);
    const entered = enteredOf(data, 'secret', signing.credential);
    const secret = signing.kind === 'hmac' ? entered : entered.trim();
    const previous = typeof data['previousSecret'] === 'string' ? data['previousSecret'].trim() : '';
    secrets.push(secret, ...(previous ? [previous] : []));
    if (signing.kind === 'hmac') {
      headers[signing.header.toLowerCase()] = `${signing.prefix}${plainSignature(secret, body)}`;
    } else {
      headers['webhook-signature'] = inCredential(signing.credential, () =>
        standardSignature(previous ? [secret, previous] : [secret], { id, timestamp, body }),
      );
    }
  }
  return { headers, query: authorized?.query ?? [], secrets };
}

function allowedParts(auth: CredentialRef, data: Readonly<Record<string, unknown>>, url: URL): SecretParts {
  checkDomain(auth, data, url);
  return authParts(auth, data);
}

/** @throws CredentialFault: it can never be sent */
export function authParts(auth: CredentialRef, data: Readonly<Record<string, unknown>>): SecretParts {
  if (auth.type === 'httpBasicAuth') {
    const [user, password] = [data['user'], data['password']].map((value) =>
      typeof value === 'string' ? value : '',
    ) as [string, string];
    // One of the two may be empty (RFC 7617): an API's key is often the user.
    if (user === '' && password === '')
      throw new CredentialFault(
        `The credential "${auth.name}" has neither a user nor a password. Enter them.`,
      );
    const basic = Buffer.from(`${user}:${password}`).toString('base64');
    return {
      headers: { authorization: `Basic ${basic}` },
      query: [],
      secrets: [basic, password === '' ? user : password],
    };
  }
  const [name, value] = [textOf(data, 'name', auth), textOf(data, 'value', auth)];
  if (auth.type === 'httpQueryAuth') return { headers: {}, query: [[name, value]], secrets: [value] };
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch {
    throw new CredentialFault(
      `The credential "${auth.name}" cannot be sent as a header: its name has letters, digits and hyphens, its value is one line.`,
    );
  }
  return { headers: { [name.toLowerCase()]: value }, query: [], secrets: [value] };
}

async function dataOf(
  credential: CredentialRef,
  credentialOf: CredentialOf,
): Promise<Readonly<Record<string, unknown>>> {
  const data = await credentialOf(credential);
  if (data) return data;
  throw new CredentialFault(
    `The credential "${credential.name}" is not there, or cannot be read here. Choose one that is, or enter it anew.`,
  );
}

const textOf = (data: Readonly<Record<string, unknown>>, field: string, credential: CredentialRef): string =>
  enteredOf(data, field, credential).trim();

/** With the space around it. */
function enteredOf(data: Readonly<Record<string, unknown>>, field: string, { name }: CredentialRef): string {
  const value = data[field];
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new CredentialFault(`The credential "${name}" has no ${field}. Enter it.`);
}

function inCredential<T>({ name }: CredentialRef, sign: () => T): T {
  try {
    return sign();
  } catch (error) {
    if (!(error instanceof WebhookFault)) throw error;
    throw new CredentialFault(`The credential "${name}" cannot be used. ${error.message}`);
  }
}
