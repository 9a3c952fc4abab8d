// Whether a mail server says anything to a new connection.
// Invariants: nothing is sent but what TLS begins with, and nothing that comes is believed: it counts that something does; the
// connection is closed in any case, and nobody's end waits for it.
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectByTls } from 'node:tls';
import type { ImapLogin } from './login';

/** @returns false: it said nothing within `ms`, or no connection could be made. Never rejects */
export function isGreeted(
  { host, port, secure }: Pick<ImapLogin, 'host' | 'port' | 'secure'>,
  ms: number,
): Promise<boolean> {
  return new Promise((resolve) => {
    const sockets: Socket[] = [];
    const end = (): void => {
      clearTimeout(timer);
      resolve(sockets.some(({ bytesRead }) => bytesRead > 0));
      for (const socket of sockets) socket.destroy();
    };
    // What came while this process stood still is read before.
    const timer = setTimeout(() => setImmediate(end), ms).unref();
    const use = <S extends Socket>(socket: S): S => {
      sockets.push(socket);
      for (const event of ['error', 'close']) socket.on(event, end);
      return socket;
    };
    try {
      const tcp = use(connect({ host, port }));
      tcp.unref();
      if (!secure) tcp.once('data', end);
      // Not before: a host of several addresses may be connected to by another socket than the first.
      else tcp.once('connect', () => use(byTls(tcp, host)).once('secureConnect', end));
    } catch {
      end();
    }
  });
}

/** An answer that TLS does not like is an answer, too: who gives it is asked when somebody logs in. */
const byTls = (socket: Socket, host: string): Socket =>
  connectByTls({ socket, rejectUnauthorized: false, ...(isIP(host) === 0 && { servername: host }) });
