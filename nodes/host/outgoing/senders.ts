// Who sends what the outbox holds, by its kind, with the credentials of n8n.
import { MAIL_KIND } from '../../../engine/outbox/mail/mail-request';
import { SmtpSender } from '../../../engine/outbox/mail/smtp-sender';
import type { Sender } from '../../../engine/outbox/sender';
import { smtpLoginOf } from './smtp-logins';

/** Of one engine, which closes them. */
export const outgoingSenders = (): ReadonlyMap<string, Sender> =>
  new Map<string, Sender>([[MAIL_KIND, new SmtpSender({ loginOf: smtpLoginOf })]]);
