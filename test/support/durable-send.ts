// A Durable Send step, and the SMTP credential that it logs in with.
import type { N8n } from './n8n';
import type { OAuthServer } from './oauth';
import { type FaultySmtp, SMTP_PASSWORD, SMTP_USER } from './smtp';
import type { Step } from './workflows';

export type Credentials = Readonly<Record<string, { readonly id: string; readonly name: string }>>;

export async function smtpCredential(n8n: N8n, { port }: FaultySmtp): Promise<Credentials> {
  const data = {
    ...{ user: SMTP_USER, password: SMTP_PASSWORD, host: '127.0.0.1', port },
    ...{ secure: false, disableStartTls: true, hostName: '' },
  };
  const { id, name } = await n8n.api.createCredential('Office', 'smtp', data);
  return { smtp: { id, name } };
}

/** By OAuth2 at that provider, over TLS; nobody has signed in yet. */
export async function oauthCredential(
  n8n: N8n,
  { port }: FaultySmtp,
  provider: OAuthServer,
): Promise<Credentials> {
  const type = 'durableSmtpOAuth2Api';
  const data = {
    ...provider.credential,
    ...{ user: SMTP_USER, host: '127.0.0.1', port, secure: true, hostName: 'shop.example' },
  };
  const { id, name } = await n8n.api.createCredential('Office by OAuth2', type, data);
  return { [type]: { id, name } };
}

/** Answers the mail that started the run, with a subject of its own. */
export const durableSend = (
  credentials: Credentials,
  parameters: object = {},
): Step & { credentials: object } => ({
  name: 'Send',
  type: 'n8n-nodes-durable-mail.durableSend',
  typeVersion: 2.1,
  credentials,
  parameters: {
    ...{ fromEmail: 'Shop <shop@example.com>', toEmail: 'ann@example.com', emailFormat: 'text' },
    ...{ subject: "={{ 'To ' + $('Mail').item.json.subject }}", text: 'Thank you' },
    ...parameters,
  },
});

/** One of the outbox, as the ledger has it. */
export interface StoredEntry {
  readonly id: string;
  readonly state: string;
  readonly subject: string | null;
  readonly messageId: string | null;
  readonly lastError: string | null;
}

export const storedEntries = (n8n: N8n): Promise<StoredEntry[]> =>
  n8n.ledger<StoredEntry>(
    'select id, state, subject, message_id as "messageId", last_error as "lastError" from outgoing order by seq',
  );
