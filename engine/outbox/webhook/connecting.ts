// The connection that a webhook goes over.
// Invariants: it goes to an address that was looked at, and to none that the name may lead to a moment later; every answer of
// DNS has to be one that webhooks may go to; certificates are verified, whatever the process is told otherwise.
import { lookup as systemLookup } from 'node:dns/promises';
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { unlessAborted } from '../../runtime/time';
import { addressKind, isRefused } from './addresses';
import { OWN_NETWORK_HELP, WebhookFault } from './webhook-url';

interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** All that a name leads to. */
type Resolve = (hostname: string) => Promise<readonly ResolvedAddress[]>;

export interface ConnectPorts {
  readonly resolve?: Resolve;
  /** Beside those that Node.js trusts; PEM. */
  readonly ca?: string;
}

const viaSystem: Resolve = (hostname) => systemLookup(hostname, { all: true });

/**
 * Connects, and for https: shakes hands. The socket is destroyed by whoever asked.
 * @throws WebhookFault: it may not go there; Error: it was not reached, or the signal aborted
 */
export async function connectTo(
  url: URL,
  allowOwnNetwork: boolean,
  { resolve = viaSystem, ca }: ConnectPorts,
  signal: AbortSignal,
): Promise<Socket> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const isLiteral = isIP(host) !== 0;
  const addresses = isLiteral
    ? [{ address: host, family: isIP(host) }]
    : await unlessAborted(resolve(host), signal);
  for (const { address } of addresses) check(address, host, allowOwnNetwork);
  const isTls = url.protocol === 'https:';
  const options = {
    host,
    port: Number(url.port) || (isTls ? 443 : 80),
    lookup: pinned(addresses),
    autoSelectFamily: true,
  };
  const socket = isTls
    ? connectTls({
        ...options,
        ...(!isLiteral && { servername: host.replace(/\.$/, '') }),
        ...(ca !== undefined && { ca }),
        ALPNProtocols: ['http/1.1'],
        rejectUnauthorized: true,
      })
    : connectTcp(options);
  try {
    await connected(socket, isTls ? 'secureConnect' : 'connect', signal);
    // What the lookup is for is a matter of Node.js: that it was asked is seen here.
    check(socket.remoteAddress ?? '', host, allowOwnNetwork);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function check(address: string, host: string, allowOwnNetwork: boolean): void {
  const kind = addressKind(address);
  if (!isRefused(kind, allowOwnNetwork)) return;
  const leads = address === host ? `${host} is` : `${host} leads to ${address}, which is`;
  throw new WebhookFault(
    kind === 'own'
      ? `${leads} an address of the own network. ${OWN_NETWORK_HELP}`
      : `${leads} an address that no webhook goes to (link-local, metadata, multicast or reserved).`,
  );
}

/** Those, whatever is asked for. */
const pinned =
  (addresses: readonly ResolvedAddress[]): LookupFunction =>
  (hostname, { all }, callback) => {
    const [first] = addresses;
    if (!first) {
      callback(Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' }), '', 0);
    } else if (all) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };

function connected(socket: Socket, event: string, signal: AbortSignal): Promise<void> {
  // Whoever has the socket next hears of its errors; in between they are not to end the process.
  socket.on('error', () => undefined);
  return unlessAborted(
    new Promise<void>((resolve, reject) => {
      socket.once(event, () => resolve());
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('The connection was closed')));
    }),
    signal,
  );
}
