// The node's parameters and credential, read once into typed settings; a setting that can never work throws,
// with what to change.
import type { IExecuteFunctions, INode, ITriggerFunctions } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';
import { DEFAULT_RETRY_SCHEDULE, parseRetrySchedule } from '../../engine/delivery/retry-schedule';
import type { ImapLogin } from '../../engine/imap/login';
import { errorText } from '../../engine/runtime/log';
import { accountName } from '../../engine/imap/login';
import { ImapRereader } from '../../engine/imap/again';
import type { Guarantee } from '../../engine/ledger/ledger';
import type { ItemSettings } from '../host/items';
import type { ListenSettings } from '../host/listen';
import type { RunSettings } from '../host/run';
import { DEFAULTS } from './properties';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const MEGABYTE = 1024 * 1024;

/** The options that are numbers: what they are called, what they may be. */
const NUMBERS = {
  mostInFlight: { shown: 'Runs at Once', whole: true, least: 1, most: 100 },
  mailsPerRun: { shown: 'Mails per Run', whole: true, least: 1, most: 100 },
  startWithin: { shown: 'Start Within', whole: false, least: 0.5, most: 1_440 },
  keepContentDays: { shown: 'Keep Content For', whole: false, least: 0, most: 3_650 },
  keepEventsDays: { shown: 'Keep Events For', whole: false, least: 1, most: 3_650 },
  storeUpTo: { shown: 'Store Mails Up To', whole: false, least: 0, most: 200 },
} as const;

type Options = Partial<Record<keyof typeof NUMBERS, number>> & {
  readonly retrySchedule?: string;
  readonly guarantee?: Guarantee;
};

export function listenSettings(context: ITriggerFunctions): Omit<ListenSettings, 'login'> {
  const node = context.getNode();
  const options = context.getNodeParameter('options', {}) as Options;
  const number = (name: keyof typeof NUMBERS): number => {
    const value = options[name] ?? DEFAULTS[name];
    const { shown, whole, least, most } = NUMBERS[name];
    if (typeof value === 'number' && value >= least && value <= most && (!whole || Number.isInteger(value)))
      return value;
    throw new NodeOperationError(
      node,
      `"${shown}" must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}.`,
    );
  };
  return {
    mailbox: mailboxName(node, context.getNodeParameter('mailbox') as string),
    delivery: {
      mostRuns: number('mostInFlight'),
      mailsPerRun: number('mailsPerRun'),
      mostQueuedMs: number('startWithin') * MINUTE_MS,
    },
    subscription: {
      retryDelaysMs: retryDelays(node, options.retrySchedule ?? DEFAULT_RETRY_SCHEDULE),
      guarantee: options.guarantee === 'atMostOnce' ? 'atMostOnce' : 'atLeastOnce',
      keepContentMs: Math.round(number('keepContentDays') * DAY_MS),
      retentionMs: Math.round(number('keepEventsDays') * DAY_MS),
    },
    mostStoredBytes: Math.round(number('storeUpTo') * MEGABYTE),
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

export function runSettings(context: IExecuteFunctions): RunSettings {
  const type = context.getNodeParameter('authentication', 0) as CredentialType;
  return {
    items: itemSettings(context),
    rereader: async () => {
      const login = await readLogin(context, type);
      const signal = context.getExecutionCancelSignal() ?? new AbortController().signal;
      const rereader = await ImapRereader.connect(login, signal);
      return {
        read: (claim) => {
          if (claim.account === accountName(login)) return rereader.read(claim);
          // Another account's mail is not gone because it is not in this one.
          throw new Error(
            `This mail is not in the mail ledger any more, and it was in ${claim.account}; the credential leads to ` +
              `${accountName(login)}. Choose a credential of that account, or mark the event done with the Mail Ledger node.`,
          );
        },
        end: () => rereader.end(),
      };
    },
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
