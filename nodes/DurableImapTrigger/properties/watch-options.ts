// The options about watching the mailbox: what is taken, and how closely it is watched.
import type { INodeProperties } from 'n8n-workflow';
import { collectingOption } from '../../host/trigger/collecting';
import { WATCH_NUMBERS } from '../settings/numbers';

export const watchOptions: INodeProperties[] = [
  {
    displayName: 'Answer Within (Seconds)',
    name: 'answerWithin',
    type: 'number',
    typeOptions: { minValue: WATCH_NUMBERS.answerWithin.least, maxValue: WATCH_NUMBERS.answerWithin.most },
    default: WATCH_NUMBERS.answerWithin.default,
    description:
      'How long the mail server may take for an answer. After that the connection counts as dead and is made anew.',
  },
  collectingOption('mailbox'),
  {
    displayName: 'Custom Email Rules',
    name: 'customEmailConfig',
    type: 'string',
    default: '["UNSEEN"]',
    description:
      'Rules as the built-in Email Trigger (IMAP) has them, as JSON: <code>["UNSEEN", ["FROM", "ann@example.com"]]</code>. All of them must hold when the email is found. <a href="https://github.com/mscdex/node-imap#connection-instance-methods">All rules</a> are in the text on search.',
  },
  {
    displayName: 'Fetch Only New Emails',
    name: 'trackLastMessageId',
    type: 'boolean',
    default: true,
    description:
      'Whether to leave alone what is there already. Kept for settings from the built-in Email Trigger (IMAP): "Start With" says more. Switched off, it takes all unread emails that are there, or those of the Custom Email Rules.',
  },
  {
    displayName: 'Force Reconnect Every Minutes',
    name: 'forceReconnect',
    type: 'number',
    typeOptions: {
      minValue: WATCH_NUMBERS.forceReconnect.least,
      maxValue: WATCH_NUMBERS.forceReconnect.most,
    },
    default: 60,
    description:
      'Makes the connection anew after this time. Not needed for reliability; only for servers that limit how old a connection may get. 0: never.',
  },
  {
    displayName: 'Ignore SSL Issues (Insecure)',
    name: 'allowUnauthorizedCerts',
    type: 'boolean',
    noDataExpression: true,
    default: false,
    description:
      'Whether to connect even if the certificate of the server cannot be trusted, as version 1 of the built-in Email Trigger (IMAP) had it. Better: allow it in the credential, or enter its authority in a Durable IMAP credential.',
  },
  {
    displayName: 'Heartbeat (Seconds)',
    name: 'heartbeat',
    type: 'number',
    typeOptions: { minValue: WATCH_NUMBERS.heartbeat.least, maxValue: WATCH_NUMBERS.heartbeat.most },
    default: 60,
    description:
      'How often the connection is renewed, and the mailbox looked at even if the server announced nothing. New mail is announced at once where the server can do that (IDLE); where it cannot, this is how often it is asked. Without this option: 60 for most servers.',
  },
];
