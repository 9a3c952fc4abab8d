// The node's parameters and credential, read once into typed settings; a setting that can never work throws,
// with what to change.
import type { IExecuteFunctions, INode, ITriggerFunctions } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';
import { DEFAULT_RETRY_SCHEDULE, parseRetrySchedule } from '../../engine/delivery/retry-schedule';
import type { ImapLogin } from '../../engine/imap/login';
import { errorText } from '../../engine/runtime/log';
import type { ItemSettings } from '../host/items';
import type { ListenSettings } from '../host/listen';

const DEFAULT_IN_FLIGHT = 5;
const MOST_IN_FLIGHT = 100;

interface Options {
  readonly mostInFlight?: number;
  readonly retrySchedule?: string;
}

export function listenSettings(context: ITriggerFunctions): Omit<ListenSettings, 'login'> {
  const node = context.getNode();
  const options = context.getNodeParameter('options', {}) as Options;
  const mostInFlight = options.mostInFlight ?? DEFAULT_IN_FLIGHT;
  if (!Number.isInteger(mostInFlight) || mostInFlight < 1 || mostInFlight > MOST_IN_FLIGHT) {
    throw new NodeOperationError(node, `"Runs at Once" must be a whole number from 1 to ${MOST_IN_FLIGHT}.`);
  }
  return {
    mailbox: mailboxName(node, context.getNodeParameter('mailbox') as string),
    mostInFlight,
    retryDelaysMs: retryDelays(node, options.retrySchedule ?? DEFAULT_RETRY_SCHEDULE),
  };
}

export function mailboxName(node: INode, parameter: string): string {
  const mailbox = parameter.trim();
  if (mailbox === '')
    throw new NodeOperationError(node, '"Mailbox Name" is empty. Enter one, such as INBOX.');
  // INBOX is the one name that IMAP takes in any case (RFC 3501, 5.1).
  return mailbox.toUpperCase() === 'INBOX' ? 'INBOX' : mailbox;
}

function retryDelays(node: INode, schedule: string): number[] {
  try {
    return parseRetrySchedule(schedule);
  } catch (error) {
    throw new NodeOperationError(node, `"Retry After" cannot be used: ${errorText(error)}`);
  }
}

export function itemSettings(context: IExecuteFunctions): ItemSettings {
  const downloadAttachments = context.getNodeParameter('downloadAttachments', 0, true) as boolean;
  return {
    downloadAttachments,
    attachmentPrefix: downloadAttachments
      ? (context.getNodeParameter('dataPropertyAttachmentsPrefixName', 0, 'attachment_') as string)
      : '',
  };
}

/** The credential types that the node takes: n8n's own, and ours, whose test says what is wrong. */
export type CredentialType = 'imap' | 'durableImap';

/** The login in the credential as it is stored now. @throws NodeOperationError if it can never work */
export async function readLogin(
  context: Pick<ITriggerFunctions, 'getCredentials' | 'getNode'>,
  type: CredentialType,
): Promise<ImapLogin> {
  const data = await context.getCredentials(type);
  try {
    return toLogin(data);
  } catch (error) {
    throw new NodeOperationError(context.getNode(), error as Error);
  }
}

/** @throws Error that names the field that can never work */
export function toLogin(data: Partial<ImapLogin>): ImapLogin {
  const login = {
    host: (data.host ?? '').trim(),
    port: Number(data.port),
    secure: data.secure !== false,
    user: (data.user ?? '').trim(),
    password: data.password ?? '',
    allowUnauthorizedCerts: data.allowUnauthorizedCerts === true,
  };
  const fields = { Host: login.host, User: login.user, Password: login.password };
  const [missing] = Object.entries(fields).find(([, value]) => value === '') ?? [];
  if (missing) throw new Error(`${missing} is empty in the IMAP credential.`);
  if (!Number.isInteger(login.port) || login.port < 1 || login.port > 65535) {
    throw new Error('Port in the IMAP credential must be a number from 1 to 65535.');
  }
  return login;
}
