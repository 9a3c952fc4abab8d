// What a home of the console answers by itself, where there is no console to do so.
// Invariant: never throws, and leaves no response open.
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

const HEADERS = {
  'Content-Type': 'application/json; charset=utf-8',
  'Content-Security-Policy': "default-src 'none'; sandbox",
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
} as const;

/** As the console answers what it refuses. @param error one plain sentence, for people */
export function tell(res: ServerResponse, status: number, error: string): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  res.writeHead(status, HEADERS);
  res.end(JSON.stringify({ error }));
}

/** The same to who asked for another protocol, and is on HTTP still. */
export function tellUpgrade(
  socket: Duplex,
  status: number,
  error: string,
  more: Readonly<Record<string, string>> = {},
): void {
  if (socket.destroyed || !socket.writable) return;
  const body = JSON.stringify({ error });
  const headers = { ...HEADERS, ...more, 'Content-Length': Buffer.byteLength(body), Connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.once('finish', () => socket.destroy());
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, '', body].join('\r\n'));
}
