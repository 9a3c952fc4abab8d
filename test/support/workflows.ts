// The workflows of the end-to-end tests: the trigger, and a step that posts what it got to a sink.
import type { ImapLogin } from '../../engine/imap/login';
import type { N8n } from './n8n';
import type { Sink } from './sink';

/** What the built-in IMAP credential holds. */
export const credentialData = ({ host, port, secure, user, password }: ImapLogin): object => ({
  host,
  port,
  secure,
  user,
  password,
  allowUnauthorizedCerts: false,
});

export interface WorkflowOptions {
  readonly mailbox?: string;
  /** Each mail's first attachment goes to the sink, too. */
  readonly withAttachment?: boolean;
  readonly authentication?: 'imap' | 'durableImap';
  readonly mostInFlight?: number;
  readonly retrySchedule?: string;
}

/** Makes a credential and a workflow that posts each mail to the sink. @returns the workflow's id */
export async function sinkWorkflow(
  n8n: N8n,
  sink: Sink,
  login: ImapLogin,
  { mailbox = 'INBOX', withAttachment = false, authentication = 'imap', ...options }: WorkflowOptions = {},
): Promise<string> {
  const credential = await n8n.api.createCredential(
    `IMAP ${login.user}`,
    authentication,
    credentialData(login),
  );
  const { id } = await n8n.api.createWorkflow({
    name: `Mail of ${login.user}`,
    nodes: [
      {
        id: 'trigger',
        name: 'Mail',
        type: 'n8n-nodes-durable-mail.durableImapTrigger',
        typeVersion: 1,
        position: [0, 0],
        parameters: { authentication, mailbox, options },
        credentials: { [authentication]: { id: credential.id, name: credential.name } },
      },
      postTo(
        sink,
        {
          eventId: '={{ $json.delivery.eventId }}',
          attempt: '={{ $json.delivery.attempt }}',
          idempotencyKey: '={{ $json.delivery.idempotencyKey }}',
          subject: '={{ $json.subject }}',
          text: '={{ $json.textPlain }}',
          uid: '={{ $json.attributes.uid }}',
        },
        withAttachment
          ? { sendBody: true, contentType: 'binaryData', inputDataFieldName: 'attachment_0' }
          : {},
      ),
    ],
    connections: {
      Mail: { main: [[{ node: 'Sink', type: 'main', index: 0 }]] },
    },
  });
  return id;
}

/** The step that posts to the sink. @param query what it sends of each item, as expressions */
export const postTo = (sink: Sink, query: Record<string, string>, body: object = {}): object => ({
  id: 'post',
  name: 'Sink',
  type: 'n8n-nodes-base.httpRequest',
  typeVersion: 4.2,
  position: [220, 0],
  parameters: {
    method: 'POST',
    url: sink.url,
    sendQuery: true,
    queryParameters: { parameters: Object.entries(query).map(([name, value]) => ({ name, value })) },
    ...body,
  },
});
