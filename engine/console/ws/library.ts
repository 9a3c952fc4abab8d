// The library that speaks WebSocket. The only file that imports it, when the first connection asks for it.
// Invariants: nothing is compressed, since that takes memory for each connection; no message is larger than is said; a ping is
// answered by whoever counts it.
import type { WebSocketServer } from 'ws';
import { MOST_MESSAGE_OCTETS } from './limits';
import { protocolOf } from './protocols';

/** Takes connections over from a server of HTTP. */
export async function webSocketServer(): Promise<WebSocketServer> {
  const { WebSocketServer: Server } = await import('ws');
  return new Server({
    ...{ noServer: true, clientTracking: false, perMessageDeflate: false, autoPong: false },
    maxPayload: MOST_MESSAGE_OCTETS,
    handleProtocols: (offered) => protocolOf([...offered]) ?? false,
  });
}
