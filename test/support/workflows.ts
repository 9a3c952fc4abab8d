// The workflows of the end-to-end tests: the trigger, and a step that posts what it got to a sink.
import type { ImapLogin } from '../../engine/imap/session/login';
import type { N8n } from './n8n';
import type { Sink } from './sink';

/** What the built-in IMAP credential holds, and ours. */
export const credentialData = ({ proof, clientCertificate, ...login }: ImapLogin): object => ({
  ...login,
  ...('password' in proof && proof),
  ...(clientCertificate && {
    clientCertificate: clientCertificate.certificate,
    clientKey: clientCertificate.key,
    clientKeyPassphrase: clientCertificate.passphrase ?? '',
  }),
});

/** A step of a workflow: a node without its place, its id being its name. */
export interface Step {
  readonly name: string;
  readonly type: string;
  readonly typeVersion: number;
  readonly parameters: object;
}

/** From an output of a step to another one. */
export interface Link {
  readonly from: string;
  readonly output: number;
  readonly to: string;
}

/** The trigger's own parameters, beside its options. */
interface TriggerSettings {
  readonly mailbox?: string;
  readonly authentication?: 'imap' | 'durableImap' | 'durableImapOAuth2Api';
  /** What the login's credential holds, where `login` does not say all. */
  readonly credential?: object;
  readonly options?: object;
  /** More parameters of the trigger. */
  readonly parameters?: object;
  /** The workflow's settings, besides the execution order. */
  readonly settings?: object;
  /** Connections besides the line of steps. */
  readonly links?: readonly Link[];
  /** More credentials of the trigger, by type. */
  readonly credentials?: Readonly<Record<string, { readonly id: string; readonly name: string }>>;
}

/** Makes a credential and a workflow: the trigger, then the steps, one after the other. @returns the workflow's id */
export async function mailWorkflow(
  n8n: N8n,
  login: ImapLogin,
  steps: readonly Step[],
  {
    mailbox = 'INBOX',
    authentication = 'imap',
    credential: data = credentialData(login),
    options = {},
    parameters = {},
    settings = {},
    links = [],
    credentials = {},
  }: TriggerSettings = {},
): Promise<string> {
  const credential = await n8n.api.createCredential(`IMAP ${login.user}`, authentication, data);
  const { id } = await n8n.api.createWorkflow({
    name: `Mail of ${login.user}`,
    nodes: [
      {
        id: 'trigger',
        name: 'Mail',
        type: 'n8n-nodes-durable-mail.durableImapTrigger',
        typeVersion: 1,
        position: [0, 0],
        parameters: {
          authentication,
          mailbox,
          options: { ...options, ...('mailStore' in credentials && { mailStore: 'postgres' }) },
          ...parameters,
        },
        credentials: { [authentication]: { id: credential.id, name: credential.name }, ...credentials },
      },
      ...placed(steps),
    ],
    connections: inLine(steps, links),
    settings: { executionOrder: 'v1', ...settings },
  });
  return id;
}

/** The steps as nodes, beside the trigger "Mail". */
export const placed = (steps: readonly Step[]): object[] =>
  steps.map((step, index) => ({ id: step.name, position: [220 * (index + 1), 0], ...step }));

/** The trigger "Mail" and the steps, one after the other, with more connections where they are wanted. */
export function inLine(steps: readonly Step[], links: readonly Link[]): object {
  const names = ['Mail', ...steps.map(({ name }) => name)];
  return Object.fromEntries(
    names.map((name, index) => {
      const next = names[index + 1];
      const outputs: object[][] = [next ? [{ node: next, type: 'main', index: 0 }] : []];
      for (const { from, output, to } of links) {
        if (from === name) (outputs[output] ??= []).push({ node: to, type: 'main', index: 0 });
      }
      return [name, { main: outputs }];
    }),
  );
}

export interface WorkflowOptions {
  readonly mailbox?: string;
  /** Each mail's first attachment goes to the sink, too. */
  readonly withAttachment?: boolean;
  readonly authentication?: 'imap' | 'durableImap';
  readonly mostInFlight?: number;
  readonly mailsPerRunAutomatic?: boolean;
  readonly retrySchedule?: string;
}

/** Makes a workflow that posts each mail to the sink. @returns its id */
export function sinkWorkflow(
  n8n: N8n,
  sink: Sink,
  login: ImapLogin,
  { mailbox = 'INBOX', withAttachment = false, authentication = 'imap', ...options }: WorkflowOptions = {},
): Promise<string> {
  const body = withAttachment
    ? { sendBody: true, contentType: 'binaryData', inputDataFieldName: 'attachment_0' }
    : {};
  const parameters = withAttachment ? { downloadAttachments: true } : {};
  return mailWorkflow(n8n, login, [postMail(sink, 'Sink', body)], {
    mailbox,
    authentication,
    options,
    parameters,
  });
}

/** Posts what identifies a mail, and its text, to the sink; from any step after the trigger. */
export const postMail = (sink: Sink, name = 'Sink', body: object = {}): Step => {
  const mail = "$('Mail').item.json";
  return postTo(
    sink,
    {
      eventId: `={{ ${mail}.delivery.eventId }}`,
      attempt: `={{ ${mail}.delivery.attempt }}`,
      idempotencyKey: `={{ ${mail}.delivery.idempotencyKey }}`,
      subject: `={{ ${mail}.subject }}`,
      text: `={{ ${mail}.textPlain }}`,
      uid: `={{ ${mail}.attributes.uid }}`,
    },
    body,
    name,
  );
};

/** The step that posts to the sink. @param query what it sends of each item, as expressions */
export const postTo = (
  sink: Sink,
  query: Record<string, string>,
  body: object = {},
  name = 'Sink',
): Step => ({
  name,
  type: 'n8n-nodes-base.httpRequest',
  typeVersion: 4.2,
  parameters: {
    method: 'POST',
    url: sink.url,
    sendQuery: true,
    queryParameters: { parameters: Object.entries(query).map(([name, value]) => ({ name, value })) },
    ...body,
  },
});

/** Stands before the step that follows it. */
export const runOnce = (parameters: object = {}): Step => ({
  name: 'Run Once',
  type: 'n8n-nodes-durable-mail.runOnce',
  typeVersion: 1,
  parameters,
});

/** Puts the run aside for an hour. */
export const waitForAnHour: Step = {
  name: 'Wait',
  type: 'n8n-nodes-base.wait',
  typeVersion: 1.1,
  parameters: { amount: 1, unit: 'hours' },
};

/** Makes and publishes a workflow that tells the sink of every error that n8n hands to it. @returns its id */
export async function errorWorkflow(n8n: N8n, sink: Sink): Promise<string> {
  const { id } = await n8n.api.createWorkflow({
    name: 'Errors',
    nodes: [
      {
        id: 'errors',
        name: 'Errors',
        type: 'n8n-nodes-base.errorTrigger',
        typeVersion: 1,
        position: [0, 0],
        parameters: {},
      },
      {
        id: 'sink',
        position: [220, 0],
        ...postTo(sink, {
          text: '={{ [($json.trigger ?? $json.execution).error.message, JSON.stringify($json)].join() }}',
        }),
      },
    ],
    connections: { Errors: { main: [[{ node: 'Sink', type: 'main', index: 0 }]] } },
  });
  await n8n.api.publish(id);
  return id;
}
