// What n8n's service account credential (googleApi) opens: the mail of the account that it acts for, and Pub/Sub.
// Invariant: neither its key nor a token stands in an error.
import { createHash } from 'node:crypto';
import type { ICredentialDataDecryptedObject } from 'n8n-workflow';
import { MAIL_SCOPE, PUBSUB_SCOPE } from '../../engine/gmail/api/google';
import type { AccessToken } from '../../engine/gmail/api/login';
import { type ServiceAccount, serviceAccountToken } from '../../engine/gmail/api/service-account';
import { type HttpContext, sendHttp } from '../host/n8n/http';

/** Tokens last an hour; they are kept with the node's context, so that nothing of a run outlives it. */
const tokens = new WeakMap<HttpContext, Map<string, AccessToken>>();

/** Whose mail it acts for, lower case. @throws Error that names the field */
export function delegatedAddress(data: ICredentialDataDecryptedObject, name: string): string {
  mustBeWhole(data, name);
  // n8n's own nodes take the address whatever "Impersonate a User" says.
  const address = field(data, 'delegatedEmail').toLowerCase();
  if (address === '')
    throw new Error(
      `The service account in the credential ${name} has no mail of its own. Switch on "Impersonate a User" there, and ` +
        'enter the address of the account whose mail is to be read.',
    );
  return address;
}

/** A token for the mail of the account that it acts for. */
export const accountToken = (
  context: HttpContext,
  data: ICredentialDataDecryptedObject,
  subject: string,
  tokenUrl: string,
): AccessToken => tokenOf(context, { ...keyOf(data), subject, scopes: [MAIL_SCOPE], tokenUrl });

/** A token for Pub/Sub, of the service account itself. @throws Error that names the field */
export function pubsubAccountToken(
  context: HttpContext,
  data: ICredentialDataDecryptedObject,
  name: string,
  tokenUrl: string,
): AccessToken {
  mustBeWhole(data, name);
  return tokenOf(context, { ...keyOf(data), scopes: [PUBSUB_SCOPE], tokenUrl });
}

function tokenOf(context: HttpContext, account: Omit<ServiceAccount, 'send'>): AccessToken {
  const key = createHash('sha256').update(JSON.stringify(account)).digest('hex');
  const kept = tokens.get(context) ?? new Map<string, AccessToken>();
  tokens.set(context, kept);
  const token = kept.get(key) ?? serviceAccountToken({ ...account, send: sendHttp(context) });
  kept.set(key, token);
  return token;
}

function mustBeWhole(data: ICredentialDataDecryptedObject, name: string): void {
  if (field(data, 'email') === '')
    throw new Error(`"Service Account Email" is empty in the credential ${name}.`);
  if (field(data, 'privateKey') === '') throw new Error(`"Private Key" is empty in the credential ${name}.`);
}

const keyOf = (data: ICredentialDataDecryptedObject): Pick<ServiceAccount, 'email' | 'privateKey'> => ({
  email: field(data, 'email'),
  privateKey: field(data, 'privateKey'),
});

function field(data: ICredentialDataDecryptedObject, name: string): string {
  const value = data[name];
  return typeof value === 'string' ? value.trim() : '';
}
