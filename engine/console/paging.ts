// How much is told at once, of whatever there is a long list of, and how far it is counted.
import type { CountAnswer } from './api';
import { NUMBERS } from './mail-filter';
import { numberIn } from './query';

/** More than these are not counted: it would take long, and nobody minds. */
export const MOST_COUNTED = 100_000;
const PAGE = { least: 1, most: 200 } as const;
const DEFAULT_PAGE = 50;

/** @throws Refusal */
export const pageIn = ({
  after,
  limit,
}: {
  readonly after: string | undefined;
  readonly limit: string | undefined;
}): { readonly limit: number; readonly after?: number } => ({
  limit: limit === undefined ? DEFAULT_PAGE : numberIn(limit, 'limit', PAGE),
  ...(after !== undefined && { after: numberIn(after, 'after', NUMBERS) }),
});

export async function counted(count: (most: number) => Promise<number>): Promise<CountAnswer> {
  const found = await count(MOST_COUNTED + 1);
  return { count: Math.min(found, MOST_COUNTED), isMore: found > MOST_COUNTED };
}
