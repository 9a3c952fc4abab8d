// A workflow of the end-to-end tests that begins with the Durable Gmail Trigger, logged in at the fake of Gmail.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import type { FakeGmail } from './gmail/fake';
import { json } from './gmail/http';
import type { OAuthClient } from './gmail/oauth';
import type { N8n } from './n8n';
import type { Sink } from './sink';
import { inLine, type Link, placed, postTo, type Step } from './workflows';

interface Credential {
  readonly id: string;
  readonly name: string;
}

export interface GmailWorkflow {
  readonly address: string;
  readonly steps: readonly Step[];
  readonly parameters?: object;
  readonly options?: object;
  /** Connections besides the line of steps. */
  readonly links?: readonly Link[];
  /** More credentials of the trigger, by type. */
  readonly credentials?: Readonly<Record<string, Credential>>;
}

/** Makes a credential (n8n's own for Gmail, signed in; unless another login is chosen) and a workflow. @returns its id */
export async function gmailWorkflow(
  n8n: N8n,
  gmail: FakeGmail,
  { address, steps, parameters = {}, options = {}, links = [], credentials = {} }: GmailWorkflow,
): Promise<string> {
  const isOAuth2 = !('authentication' in parameters) || parameters.authentication === 'oAuth2';
  const login = isOAuth2 && { gmailOAuth2: await gmailCredential(n8n, gmail, address) };
  const { id } = await n8n.api.createWorkflow({
    name: `Mail of ${address}`,
    nodes: [
      {
        id: 'trigger',
        name: 'Mail',
        type: 'n8n-nodes-durable-mail.durableGmailTrigger',
        typeVersion: 1,
        position: [0, 0],
        webhookId: randomUUID(),
        parameters: {
          authentication: 'oAuth2',
          ...parameters,
          options: { apiBaseUrl: gmail.url, pubsubBaseUrl: gmail.url, pollEvery: 5, ...options },
          ...('mailStore' in credentials && { mailStore: 'postgres' }),
        },
        credentials: { ...login, ...credentials },
      },
      ...placed(steps),
    ],
    connections: inLine(steps, links),
    settings: { executionOrder: 'v1' },
  });
  return id;
}

/** n8n's own credential for Gmail, as it is after a person has signed in; to an app of the person's own, if it is given. */
export async function gmailCredential(
  n8n: N8n,
  gmail: FakeGmail,
  address: string,
  own?: { readonly name: string; readonly clientId: string; readonly client: OAuthClient },
): Promise<Credential> {
  const { id, name } = await n8n.api.createCredential(own?.name ?? `Gmail ${address}`, 'gmailOAuth2', {
    ...{ clientId: own?.clientId ?? 'n8n', clientSecret: 'client-secret' },
    oauthTokenData: gmail.signIn(address, own?.client),
  });
  return { id, name };
}

/** A service account that Google knows, and n8n's own credential of it. */
export class Robot {
  readonly email: string;
  readonly #gmail: FakeGmail;
  readonly #publicKey: string;
  readonly #privateKey: string;

  constructor(gmail: FakeGmail, name: string) {
    this.email = `${name}@project.iam.gserviceaccount.com`;
    this.#gmail = gmail;
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    this.#publicKey = publicKey.export({ type: 'spki', format: 'pem' }) as string;
    this.#privateKey = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    this.mayActFor();
  }

  /** An admin says for whom, and for nobody else. */
  mayActFor(...addresses: readonly string[]): void {
    this.#gmail.oauth.addService(this.email, this.#publicKey, addresses);
  }

  /** @param address of the account that it acts for */
  async credential(n8n: N8n, address?: string): Promise<Credential> {
    const { id, name } = await n8n.api.createCredential(`Robot ${this.email}`, 'googleApi', {
      ...{ region: 'us-central1', email: this.email, privateKey: this.#privateKey },
      ...(address !== undefined && { inpersonate: true, delegatedEmail: address }),
    });
    return { id, name };
  }
}

/** The trigger's credential, as the workflow names it. */
export async function credentialOf(n8n: N8n, workflowId: string): Promise<Credential> {
  const [trigger] = (await n8n.api.workflow(workflowId)).nodes as [
    { credentials: Record<string, Credential> },
  ];
  return trigger.credentials['gmailOAuth2']!;
}

/** Presses the credential's "Reconnect", and agrees with Google as that user. */
export async function reconnect(
  n8n: N8n,
  gmail: FakeGmail,
  { id }: Credential,
  address: string,
): Promise<void> {
  const asked = new URL((await n8n.api.request('GET', `/rest/oauth2-credential/auth?id=${id}`)) as string);
  const { pathname } = new URL(asked.searchParams.get('redirect_uri') ?? '');
  const code = randomUUID();
  const agreed = new URLSearchParams({ code, state: asked.searchParams.get('state') ?? '' });
  const { oauth } = gmail;
  const answer = oauth.answer.bind(oauth);
  // What a person agreed to is traded once (RFC 6749, 4.1.3); everything else is as it always is.
  oauth.answer = (form, tokenUrls) =>
    form.get('code') === code ? json(gmail.signIn(address)) : answer(form, tokenUrls);
  try {
    const headers = { cookie: `n8n-auth=${n8n.api.cookie}` };
    const page = await fetch(`${n8n.api.base}${pathname}?${agreed.toString()}`, { headers });
    if (!page.ok) throw new Error(`Not connected: ${page.status} ${await page.text()}`);
  } finally {
    oauth.answer = answer;
  }
}

/** The body of a step that posts the whole item. */
export const WHOLE_ITEM = {
  sendBody: true,
  contentType: 'raw',
  rawContentType: 'application/json',
  body: "={{ JSON.stringify($('Mail').item.json) }}",
};

/** Posts what identifies a mail of Gmail to the sink; from any step after the trigger. */
export const postGmail = (sink: Sink, name = 'Sink', body: object = {}): Step => {
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
    body,
    name,
  );
};
