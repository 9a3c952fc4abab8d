// One request of the console's handler.
// Invariants: the token goes in a header; whatever fails is an Unanswered with a sentence for people; a refused token ends the
// session, once.
import type { Refused } from '../../engine/console/api';
import { leave, token } from './session';
import { HOME } from './settings';

/** It failed, and why, for people. */
export class Unanswered extends Error {
  /** @param status of the answer; 0: there was none */
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export const noAnswer = (): Unanswered => new Unanswered(0, 'The console does not answer.');
export const brokenOff = (): Unanswered => new Unanswered(0, "The console's answer broke off.");

/** Adds what every request has. Who asks within an effect does not hang on the token: one is renewed while it is used. */
export function authorized(init: RequestInit): RequestInit {
  const headers = new Headers(init.headers);
  if (token.peek() !== null && !headers.has('Authorization'))
    headers.set('Authorization', `Bearer ${token.peek()}`);
  if (init.body) headers.set('Content-Type', 'application/json');
  return { ...init, headers, cache: 'no-store', credentials: 'omit', referrerPolicy: 'no-referrer' };
}

/** @throws Unanswered; the session has ended */
export function refuse(status: number, body: unknown): never {
  const sentence = (body as Partial<Refused> | null)?.error;
  const message = typeof sentence === 'string' && sentence ? sentence : `The console answered ${status}.`;
  if (status === 401 && token.peek() !== null) leave(message);
  throw new Unanswered(status, message);
}

/** @throws Unanswered, or as the signal says */
export async function request(path: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(HOME + path, authorized(init));
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw noAnswer();
  }
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) refuse(response.status, body);
  if (body === null) throw brokenOff();
  return body;
}

/** `POST`. @throws Unanswered */
export async function post<Answer>(path: string, body: unknown = {}): Promise<Answer> {
  return (await request(path, { method: 'POST', body: JSON.stringify(body) })) as Answer;
}
