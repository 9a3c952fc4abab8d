// What a home of the console answers by itself, where there is no console to do so.
// Invariant: never throws, and leaves no response open.
import type { ServerResponse } from 'node:http';

/** As the console answers what it refuses. @param error one plain sentence, for people */
export function tell(res: ServerResponse, status: number, error: string): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  res.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Security-Policy': "default-src 'none'; sandbox",
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
  });
  res.end(JSON.stringify({ error }));
}
