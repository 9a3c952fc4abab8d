// Who sends what the outbox holds, by its kind, with the credentials of n8n.
import type { Endpoints } from '../../../engine/ledger/endpoints';
import { MAIL_KIND } from '../../../engine/outbox/mail/mail-request';
import { SmtpSender } from '../../../engine/outbox/mail/smtp-sender';
import type { Sender } from '../../../engine/outbox/sender';
import { WEBHOOK_KIND } from '../../../engine/outbox/webhook/webhook-request';
import { WebhookSender } from '../../../engine/outbox/webhook/webhook-sender';
import { smtpLoginOf } from './smtp-logins';
import { storedCredentialOf } from './stored-credential';

/** Of one engine, which closes them. */
export const outgoingSenders = (ledger: Pick<Endpoints, 'setAside'>): ReadonlyMap<string, Sender> =>
  new Map<string, Sender>([
    [MAIL_KIND, new SmtpSender({ loginOf: smtpLoginOf })],
    [
      WEBHOOK_KIND,
      new WebhookSender({
        credentialOf: storedCredentialOf,
        setAside: (endpoint, reason) => ledger.setAside(endpoint, reason),
      }),
    ],
  ]);
