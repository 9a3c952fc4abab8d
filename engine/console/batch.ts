// Several questions in one request, for where each request is dear. Nothing but what `GET /api/…` answers.
import type { BatchAnswer } from './api';
import { shown } from './query';
import { Refusal } from './refusal';

const MOST_ASKS = 16;
const MOST_LENGTH = 2_000;

/** What is asked together, as it was sent: what is wrong with one of them is told with its answer. */
export type Asks = readonly unknown[];

export interface Answering {
  /** Answers one; rejects with why not. */
  readonly ask: (path: string, query: URLSearchParams) => Promise<unknown>;
  /** What was thrown, as it is told. */
  readonly why: (error: unknown) => Refusal;
}

/** All that is in the body of `/api/batch`. @throws Refusal */
export function asksOf({ asks, ...more }: Readonly<Record<string, unknown>>): Asks {
  if (isAsks(asks) && asks.length > 0 && Object.keys(more).length === 0) return asks;
  throw new Refusal(400, `There has to be "asks", a list of 1 to ${MOST_ASKS} paths, and nothing else.`);
}

/** Beside something else, where there may be none. @throws Refusal */
export function asksBeside(asks: unknown): Asks {
  if (asks === undefined) return [];
  if (isAsks(asks)) return asks;
  throw new Refusal(400, `"asks" has to be a list of at most ${MOST_ASKS} paths.`);
}

const isAsks = (asks: unknown): asks is Asks => Array.isArray(asks) && asks.length <= MOST_ASKS;

/** Never rejects. */
export async function answersTo(asks: Asks, { ask, why }: Answering): Promise<BatchAnswer> {
  const answers = asks.map(async (one) => {
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
