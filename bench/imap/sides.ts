// The two triggers, each as the start of the same workflow; and what n8n itself takes: one that a webhook starts, and one
// whose trigger does nothing but emit.
import { randomUUID } from 'node:crypto';
import type { ImapLogin } from '../../engine/imap/session/login';
import type { N8n } from '../../test/support/n8n';
import type { Sink } from '../../test/support/sink';
import { credentialData, postTo } from '../../test/support/workflows';
import { FLOOR_TRIGGER } from './floor';

export const SIDES = ['durable', 'builtin'] as const;
export type Side = (typeof SIDES)[number];

const TRIGGERS = {
  durable: { type: 'n8n-nodes-durable-mail.durableImapTrigger', typeVersion: 1 },
  builtin: { type: 'n8n-nodes-base.emailReadImap', typeVersion: 2.1 },
} as const;

/** How the mails of one workflow are run. */
export interface Way {
  readonly name: string;
  readonly side: Side;
  /** The trigger's. */
  readonly options: object;
}

export const WAYS = {
  one: { name: 'durable, 1 mail a run', side: 'durable', options: {} },
  automatic: { name: 'durable, automatic', side: 'durable', options: { mailsPerRunAutomatic: true } },
  twenty: { name: 'durable, up to 20 a run', side: 'durable', options: { mailsPerRun: 20 } },
  builtin: { name: 'built-in, up to 20 a run', side: 'builtin', options: {} },
} as const satisfies Record<string, Way>;

/** Whose mailbox a part of the bench uses for it. */
export const userOf = (part: string, { name }: Way): string =>
  `${part} ${name}`.replaceAll(/[^a-z0-9]+/g, '-');

/** Makes a workflow that posts each mail's subject and its execution to the sink. @returns its id */
export async function mailWorkflow(
  n8n: N8n,
  sink: Sink,
  side: Side,
  login: ImapLogin,
  parameters: object = {},
): Promise<string> {
  const credential = await n8n.api.createCredential(login.user, 'imap', credentialData(login));
  const trigger = {
    ...TRIGGERS[side],
    parameters: { options: {}, ...parameters },
    credentials: { imap: { id: credential.id, name: credential.name } },
  };
  return workflow(n8n, sink, `${side} ${login.user}`, trigger, '={{ $json.subject }}');
}

/** Publishes a workflow that does the same, started by a POST. @returns where to post {subject} */
export async function webhookWorkflow(n8n: N8n, sink: Sink): Promise<string> {
  const path = randomUUID();
  const trigger = {
    type: 'n8n-nodes-base.webhook',
    typeVersion: 2,
    webhookId: path,
    parameters: { httpMethod: 'POST', path, options: {} },
  };
  await n8n.api.publish(await workflow(n8n, sink, 'webhook', trigger, '={{ $json.body.subject }}'));
  return `http://127.0.0.1:${n8n.port}/webhook/${path}`;
}

/** The same, for so many mails that are there as soon as it is published, or at a signal. @returns its id */
export const floorWorkflow = (
  n8n: N8n,
  sink: Sink,
  mails: number,
  { onSignal = false } = {},
): Promise<string> =>
  workflow(n8n, sink, 'floor', { ...FLOOR_TRIGGER, parameters: { mails, onSignal } }, '={{ $json.subject }}');

async function workflow(
  n8n: N8n,
  sink: Sink,
  name: string,
  trigger: object,
  subject: string,
): Promise<string> {
  const { id } = await n8n.api.createWorkflow({
    name,
    nodes: [
      { id: 'trigger', name: 'Start', position: [0, 0], ...trigger },
      { id: 'sink', position: [220, 0], ...postTo(sink, { subject, text: '={{ $execution.id }}' }) },
    ],
    connections: { Start: { main: [[{ node: 'Sink', type: 'main', index: 0 }]] } },
  });
  return id;
}
