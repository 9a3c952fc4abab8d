// What is in a credential that an entry names by its id: a webhook to be signed, an email whose Sent mailbox is looked into. A run has
// it from n8n, as every node does; for what goes on after the run, or began in another process, n8n is asked for it.
// Where this n8n does not show that, or an expression is in it, what a run had here counts on: what needs it goes on in a process
// where a run with that credential has been, and waits elsewhere.
// Invariants: nothing of it is stored; a webhook waits, and is never dropped, because its credential is not here; after a day of that
// it has failed, and can be sent again.
import type { ICredentialDataDecryptedObject, IExecuteFunctions } from 'n8n-workflow';
import type { CredentialOf } from '../../../engine/outbox/webhook/secret-headers';
import type { CredentialRef } from '../../../engine/outbox/webhook/webhook-request';
import { processWide } from '../../../engine/runtime/process-wide';
import { monotonicNow } from '../../../engine/runtime/time';
import { canReadStoredCredentials, storedCredential } from '../n8n/internals';
import { sayWeaker } from '../n8n/weaker';

/** What a run has read so lately is as it is stored. */
const FRESH_MS = 30_000;
/** Credentials that are not used any more are forgotten. */
const MOST_SEEN = 200;
/** What is used of one, of whatever type it is. Other fields may be expressions. */
const FIELDS = [
  ...['secret', 'previousSecret', 'name', 'value', 'user', 'password'],
  ...['allowedHttpRequestDomains', 'allowedDomains'],
  ...['host', 'port', 'secure', 'startTls', 'allowUnauthorizedCerts', 'ca'],
  ...['clientCertificate', 'clientKey', 'clientKeyPassphrase'],
  ...['provider', 'tenant', 'otherAccessTokenUrl', 'clientId', 'clientSecret'],
];

interface Seen {
  readonly data: ICredentialDataDecryptedObject;
  /** Monotonic. */
  readonly at: number;
}

const seen = processWide('webhook-credentials', () => new Map<string, Seen>());

/** Of the node, for this run and what comes after it. @throws Error: it is not stored in n8n, or cannot be read */
export async function credentialOfNode(
  context: IExecuteFunctions,
  type: string,
): Promise<{ readonly credential: CredentialRef; readonly data: ICredentialDataDecryptedObject }> {
  const data = await context.getCredentials(type, 0);
  const { id, name = '' } = context.getNode().credentials?.[type] ?? {};
  if (typeof id !== 'string')
    throw new Error('A credential of this step is not stored in n8n. Choose it again in the node.');
  const key = `${type}:${id}`;
  seen.delete(key);
  seen.set(key, { data, at: monotonicNow() });
  const [oldest = key] = seen.keys();
  if (seen.size > MOST_SEEN) seen.delete(oldest);
  return { credential: { id, name, type }, data };
}

export const storedCredentialOf: CredentialOf = async ({ id, name, type }) => {
  const known = seen.get(`${type}:${id}`);
  if (known && monotonicNow() - known.at < FRESH_MS) return known.data;
  if (canReadStoredCredentials())
    return (await storedCredential({ id, name }, type, FIELDS)) ?? known?.data ?? null;
  sayWeaker(
    'This n8n shows a credential to runs only: a webhook that is sent in the background goes out, and an email in doubt is looked ' +
      'for, in a process where a run with the same credential has been since its start.',
  );
  return known?.data ?? null;
};
