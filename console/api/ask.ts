// Asks the console's handler, by itself or together with what else is asked (`bundled`).
import { request } from './request';
import { settings } from './settings';
import { askTogether } from './together';

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
  const body = settings.bundled
    ? await askTogether(path, signal)
    : await request(path, { signal: signal ?? null });
  signal?.throwIfAborted();
  return body as Answer;
}

/** Whether a token is one. @returns who has it @throws Unanswered: it is none, or nobody says */
export const tryToken = (typed: string): Promise<unknown> =>
  request('/api/me', { headers: { Authorization: `Bearer ${typed}` } });
