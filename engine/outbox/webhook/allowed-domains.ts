// Where a credential may be sent, as whoever made it has said: n8n adds "Allowed HTTP Request Domains" to its own generic ones, so that
// one that is shared can be used without being read, by a webhook to a host of one's own.
// Invariants: the rules are those of n8n's HTTP Request node; what is allowed stands in no error, as nothing of a credential does.
import type { CredentialRef } from './webhook-request';
import { WebhookFault } from './webhook-url';

const OPTION = 'its option "Allowed HTTP Request Domains"';

/** @param data of the credential, decrypted @throws WebhookFault: it is not to be sent there */
export function checkDomain(
  { name }: CredentialRef,
  { allowedHttpRequestDomains: option, allowedDomains }: Readonly<Record<string, unknown>>,
  { hostname }: URL,
): void {
  const refused = (why: string): WebhookFault =>
    new WebhookFault(
      `The credential "${name}" may not be sent to ${hostname}: ${OPTION} ${why}. Who may edit the credential can allow it.`,
    );
  if (option === 'none') throw refused('is "None"');
  if (option !== 'domains') return;
  const domains = typeof allowedDomains === 'string' ? allowedDomains : '';
  if (domains.trim() === '') throw refused('is "Specific Domains", and none is named');
  if (!isAmong(hostname, domains)) throw refused('names others');
}

/** @param domains separated by commas; `*.example.com` is what is below it, and not itself */
function isAmong(hostname: string, domains: string): boolean {
  const host = named(hostname);
  return domains
    .split(',')
    .map(named)
    .some((domain) =>
      domain.startsWith('*.')
        ? domain !== '*.' && host.endsWith(domain.slice(1))
        : domain !== '' && host === domain,
    );
}

const named = (domain: string): string => domain.trim().toLowerCase().replace(/\.$/, '');
