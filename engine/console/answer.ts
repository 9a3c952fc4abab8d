// Writes answers. Invariants: each has the headers of policy.ts; nobody answers twice; what is written to one who is gone is
// nobody's fault.
import type { ServerResponse } from 'node:http';
import type { Refused } from './api';
import { ALWAYS, INERT } from './policy';
import type { Refusal } from './refusal';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export const json = (body: unknown, status = 200): Answer => ({
  status,
  type: 'application/json; charset=utf-8',
  body: JSON.stringify(body),
});

export const refused = ({ status, message, headers }: Refusal): Answer => ({
  ...json({ error: message } satisfies Refused, status),
  headers,
});

/** Of an answer that is still to be written. */
export function begin(res: ServerResponse, headers: Readonly<Record<string, string>>): void {
  const all = { ...ALWAYS, 'Content-Security-Policy': INERT, ...headers };
  for (const [name, value] of Object.entries(all)) res.setHeader(name, value);
}

/** To HEAD, Node.js leaves the body out. */
export function write(res: ServerResponse, { status, type, body, headers = {} }: Answer): void {
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  begin(res, { 'Content-Type': type, 'Content-Length': String(Buffer.byteLength(body)), ...headers });
  res.statusCode = status;
  res.end(body);
}
