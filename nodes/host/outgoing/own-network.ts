// Which receivers in n8n's own network webhooks may go to. An option of the node would be open to everybody who may edit a workflow,
// and with it whatever listens behind the firewall: so it is said by whoever runs n8n, in its environment.
// Invariant: what is not named there is refused.
import { readEnvironment } from '../../../engine/runtime/environment';

export const OWN_NETWORK_VARIABLE = 'DURABLE_MAIL_WEBHOOK_OWN_NETWORK';

/** @param url where a webhook is to go @throws Error: the variable cannot be read */
export function mayGoToOwnNetwork(url: string): boolean {
  const setting = (readEnvironment(OWN_NETWORK_VARIABLE) ?? '').trim().toLowerCase();
  if (setting === 'true') return true;
  if (setting === '' || setting === 'false' || !URL.canParse(url)) return false;
  const { hostname, host, port, protocol } = new URL(url);
  const withPort = port === '' ? `${hostname}:${protocol === 'https:' ? 443 : 80}` : host;
  const hosts = setting.split(',').map((one) => one.trim());
  return hosts.includes(hostname) || hosts.includes(withPort);
}

/** Of what was queued before: where the variable cannot be read, what goes to others' networks goes on. */
export function mayGoToOwnNetworkNow(url: string): boolean {
  try {
    return mayGoToOwnNetwork(url);
  } catch {
    return false;
  }
}

/** For whoever was refused. */
export const OWN_NETWORK_ADVICE =
  `Whoever runs n8n can allow receivers in its own network: ${OWN_NETWORK_VARIABLE}=crm.internal,10.0.0.7:8080 in the environment of ` +
  'every process of n8n names them; "true" allows all.';
