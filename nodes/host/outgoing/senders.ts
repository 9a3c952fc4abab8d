// Who sends what the outbox holds, by its kind, with the credentials of n8n.
import type { Endpoints } from '../../../engine/ledger/endpoints';
import { SmtpSender } from '../../../engine/outbox/mail/smtp-sender';
import type { Sender } from '../../../engine/outbox/sender';
import { WebhookSender } from '../../../engine/outbox/webhook/webhook-sender';
import { findSent } from './find-sent';
import { mayGoToOwnNetworkNow, OWN_NETWORK_ADVICE } from './own-network';
import { smtpLoginOf } from './smtp-logins';
import { storedCredentialOf } from './stored-credential';

/** Of one engine, which closes them. */
export const outgoingSenders = (ledger: Pick<Endpoints, 'setAside'>): readonly Sender[] => [
  new SmtpSender({ loginOf: smtpLoginOf, findSent }),
  new WebhookSender({
    credentialOf: storedCredentialOf,
    ownNetwork: { mayGoTo: mayGoToOwnNetworkNow, help: OWN_NETWORK_ADVICE },
    setAside: (endpoint, reason, url) => ledger.setAside(endpoint, reason, url),
  }),
];
