// What is secret of a webhook's request, asked of n8n anew for each try, so that a secret that was changed counts at once.
// Invariant: what is told of a credential that is not as it should be is its name, and never what is in it.
import { validateHeaderName, validateHeaderValue } from 'node:http';
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
  readonly key: string;
  readonly body: Uint8Array;
  /** ms since 1970, of this try. */
  readonly now: number;
}

/** @throws CredentialFault */
export async function secretParts(
  { signing, auth }: Pick<WebhookRequest, 'signing' | 'auth'>,
  { key, body, now }: ToSign,
  credentialOf: CredentialOf,
): Promise<SecretParts> {
  const id = webhookId(key);
  const timestamp = Math.floor(now / 1000);
  const headers: Record<string, string> = { 'webhook-id': id, 'webhook-timestamp': String(timestamp) };
  const authorized = auth ? await authParts(auth, credentialOf) : null;
  Object.assign(headers, authorized?.headers);
  const secrets = [...(authorized?.secrets ?? [])];
  if (signing.kind !== 'none') {
    const data = await dataOf(signing.credential, credentialOf);
    const secret = textOf(data, 'secret', signing.credential);
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

async function authParts(auth: CredentialRef, credentialOf: CredentialOf): Promise<SecretParts> {
  const data = await dataOf(auth, credentialOf);
  if (auth.type === 'httpBasicAuth') {
    const pair = `${textOf(data, 'user', auth)}:${textOf(data, 'password', auth)}`;
    const basic = Buffer.from(pair).toString('base64');
    return {
      headers: { authorization: `Basic ${basic}` },
      query: [],
      secrets: [basic, textOf(data, 'password', auth)],
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

function textOf(data: Readonly<Record<string, unknown>>, field: string, { name }: CredentialRef): string {
  const value = data[field];
  if (typeof value === 'string' && value.trim() !== '') return value.trim();
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
