// Several questions in one request, for where each request is dear. Nothing but what `GET /api/…` answers.
import type { BatchAnswer } from './api';
import { shown } from './query';
import { Refusal } from './refusal';

const MOST_ASKS = 16;
const MOST_LENGTH = 2_000;

/**
 * @param ask answers one; rejects with why not
 * @param why what was thrown, as it is told
 * @throws Refusal
 */
export async function batch(
  body: Readonly<Record<string, unknown>>,
  ask: (path: string, query: URLSearchParams) => Promise<unknown>,
  why: (error: unknown) => Refusal,
): Promise<BatchAnswer> {
  const { asks, ...more } = body;
  if (!Array.isArray(asks) || asks.length === 0 || asks.length > MOST_ASKS || Object.keys(more).length > 0) {
    throw new Refusal(400, `There has to be "asks", a list of 1 to ${MOST_ASKS} paths, and nothing else.`);
  }
  const answers = (asks as readonly unknown[]).map(async (one) => {
    try {
      if (typeof one !== 'string' || one.length > MOST_LENGTH) {
        throw new Refusal(400, `"${shown(one)}" is no path.`);
      }
      const [path = '', query = ''] = one.split(/\?(.*)/s);
      return { status: 200, body: await ask(path, new URLSearchParams(query)) };
    } catch (error) {
      const { status, message } = why(error);
      return { status, body: { error: message } };
    }
  });
  return { answers: await Promise.all(answers) };
}
