// Asks the console's handler. What is asked in one moment goes in one request where each costs a lot (`bundled`).
// Invariants: the token goes in a header; whatever fails is an Unanswered with a sentence for people; a refused token ends the
// session, once.
import type { BatchAnswer, BatchRequest, Refused } from '../../engine/console/api';
import { leave, token } from './session';
import { HOME, settings } from './settings';

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

export type Query = Readonly<Record<string, string | number | null | undefined>>;

/** The path with what is not empty of the query. */
export function pathOf(path: string, query: Query = {}): string {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== null && value !== undefined && value !== '') asked.set(name, String(value));
  return asked.size > 0 ? `${path}?${asked}` : path;
}

/** `GET`. @throws Unanswered, or as the signal says */
export async function ask<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  const body = settings.bundled ? await bundle(path) : await request(path, { signal: signal ?? null });
  signal?.throwIfAborted();
  return body as Answer;
}

/** `POST`. @throws Unanswered */
export async function post<Answer>(path: string, body: unknown = {}): Promise<Answer> {
  const sent = { method: 'POST', body: JSON.stringify(body) };
  return (await request(path, sent)) as Answer;
}

/** Whether a token is one. @returns who has it @throws Unanswered: it is none, or nobody says */
export const tryToken = (typed: string): Promise<unknown> =>
  request('/api/me', { headers: { Authorization: `Bearer ${typed}` } });

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

async function request(path: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(HOME + path, authorized(init));
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Unanswered(0, 'The console does not answer.');
  }
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) refuse(response.status, body);
  if (body === null) throw new Unanswered(0, "The console's answer broke off.");
  return body;
}

interface Waiting {
  readonly path: string;
  readonly answer: (body: unknown) => void;
  readonly fail: (error: unknown) => void;
}

/** As the handler takes in one request. */
const MOST_ASKS = 16;
let waiting: Waiting[] = [];

/** So long the first questions wait for the feed at most, where they are to be asked once. */
const FIRST_WAIT_MS = 2_000;
let first: Promise<unknown> = Promise.resolve();
let asked = false;

/** What is asked for after the feed was joined has no hole, and need not be asked for twice. */
export function askAfter(joined: Promise<unknown>): void {
  first = Promise.race([joined, new Promise((resolve) => setTimeout(resolve, FIRST_WAIT_MS))]);
}

/** Whether there was a question already, or may have been. */
export const haveAsked = (): boolean => asked || !settings.bundled;

function bundle(path: string): Promise<unknown> {
  return new Promise((answer, fail) => {
    // What one moment asks for is asked for within one turn.
    if (waiting.length === 0) setTimeout(() => void send(), 0);
    waiting.push({ path, answer, fail });
  });
}

async function send(): Promise<void> {
  await first;
  asked = true;
  const all = waiting;
  waiting = [];
  while (all.length > 0) await sendOne(all.splice(0, MOST_ASKS));
}

async function sendOne(asked: readonly Waiting[]): Promise<void> {
  try {
    const batch: BatchRequest = { asks: asked.map(({ path }) => path) };
    const { answers } = await post<BatchAnswer>('/api/batch', batch);
    for (const [at, one] of asked.entries()) settle(one, answers[at] ?? { status: 503, body: null });
  } catch (error) {
    for (const one of asked) one.fail(error);
  }
}

function settle({ answer, fail }: Waiting, { status, body }: BatchAnswer['answers'][number]): void {
  try {
    answer(status < 400 ? body : refuse(status, body));
  } catch (error) {
    fail(error);
  }
}
