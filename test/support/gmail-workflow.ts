// A workflow of the end-to-end tests that begins with the Durable Gmail Trigger, logged in at the fake of Gmail.
import type { FakeGmail } from './gmail/fake';
import type { N8n } from './n8n';
import type { Sink } from './sink';
import { inLine, type Link, placed, postTo, type Step } from './workflows';

export interface GmailWorkflow {
  readonly address: string;
  readonly steps: readonly Step[];
  readonly parameters?: object;
  readonly options?: object;
  /** Connections besides the line of steps. */
  readonly links?: readonly Link[];
  /** More credentials of the trigger, by type. */
  readonly credentials?: Readonly<Record<string, { readonly id: string; readonly name: string }>>;
}

/** Makes a credential (n8n's own for Gmail, signed in) and a workflow. @returns the workflow's id */
export async function gmailWorkflow(
  n8n: N8n,
  gmail: FakeGmail,
  { address, steps, parameters = {}, options = {}, links = [], credentials = {} }: GmailWorkflow,
): Promise<string> {
  const login = await gmailCredential(n8n, gmail, address);
  const { id } = await n8n.api.createWorkflow({
    name: `Mail of ${address}`,
    nodes: [
      {
        id: 'trigger',
        name: 'Mail',
        type: 'n8n-nodes-durable-mail.durableGmailTrigger',
        typeVersion: 1,
        position: [0, 0],
        webhookId: crypto.randomUUID(),
        parameters: {
          authentication: 'oAuth2',
          ...parameters,
          options: { apiBaseUrl: gmail.url, pubsubBaseUrl: gmail.url, pollEvery: 5, ...options },
          ...('mailStore' in credentials && { mailStore: 'postgres' }),
        },
        credentials: { gmailOAuth2: login, ...credentials },
      },
      ...placed(steps),
    ],
    connections: inLine(steps, links),
    settings: { executionOrder: 'v1' },
  });
  return id;
}

/** n8n's own credential for Gmail, as it is after a person has signed in. */
export async function gmailCredential(
  n8n: N8n,
  gmail: FakeGmail,
  address: string,
): Promise<{ readonly id: string; readonly name: string }> {
  const { id, name } = await n8n.api.createCredential(`Gmail ${address}`, 'gmailOAuth2', {
    ...{ clientId: 'n8n', clientSecret: 'client-secret' },
    oauthTokenData: gmail.signIn(address),
  });
  return { id, name };
}

/** Posts what identifies a mail of Gmail to the sink; from any step after the trigger. */
export const postGmail = (sink: Sink, name = 'Sink'): Step => {
  const mail = "$('Mail').item.json";
  return postTo(
    sink,
    {
      eventId: `={{ ${mail}.delivery.eventId }}`,
      attempt: `={{ ${mail}.delivery.attempt }}`,
      idempotencyKey: `={{ ${mail}.delivery.idempotencyKey }}`,
      subject: `={{ ${mail}.Subject }}`,
      text: `={{ ${mail}.id }}`,
    },
    {},
    name,
  );
};
