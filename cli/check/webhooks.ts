// Whether a webhook may go where it is to go, without sending one: its name has addresses, and they may be asked.
import { lookup } from 'node:dns/promises';
import { addressKind, isRefused, literalAddress } from '../../engine/outbox/webhook/addresses';
import { checkedUrl, OWN_NETWORK_HELP, shownUrl } from '../../engine/outbox/webhook/webhook-url';
import type { Webhook } from '../config/webhook';

/** @throws Error that says what is wrong, and what to do */
export async function checkWebhook({ url: text, allowOwnNetwork, secret }: Webhook): Promise<string> {
  const url = checkedUrl(text, { allowOwnNetwork });
  const literal = literalAddress(url.hostname);
  const addresses = literal === null ? await resolved(url.hostname) : [literal];
  const refused = addresses.find((address) => isRefused(addressKind(address), allowOwnNetwork));
  if (refused !== undefined)
    throw new Error(`${shownUrl(url)} leads to ${refused}, where webhooks do not go. ${OWN_NETWORK_HELP}`);
  const unsigned = secret ? '' : '; it is not signed, as it has no secret';
  return `webhooks go to ${shownUrl(url)} (${addresses.slice(0, 3).join(', ')})${unsigned}`;
}

async function resolved(name: string): Promise<readonly string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } catch {
    throw new Error(
      `the name ${name} has no address. See whether the URL is right, and whether this machine reaches its name server.`,
    );
  }
}
