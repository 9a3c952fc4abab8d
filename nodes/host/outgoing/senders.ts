// Who sends what the outbox holds, one for each kind, with the credentials of n8n.
import { SmtpSender } from '../../../engine/outbox/mail/smtp-sender';
import type { Sender } from '../../../engine/outbox/sender';
import { smtpLoginOf } from './smtp-logins';

/** Of one engine, which closes them. */
export const outgoingSenders = (): readonly Sender[] => [new SmtpSender({ loginOf: smtpLoginOf })];
