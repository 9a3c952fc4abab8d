// How a process that knows more of a source than the one that watches it calls that one, through the same wake-ups as
// subscriptions have (engine/signal): one that was told of news in it (a webhook, which may run anywhere), or one in which a
// person wants it looked at now. Hints like any other: they may be lost.
// Invariant: no two of these, and no subscription, have one number.

/**
 * What `Wake.notify` and `Wake.listen` are given for news in a source. Subscriptions have the positive numbers, so a
 * source has its own id as a negative one.
 */
export const noticeKey = (sourceId: number): number => -sourceId;

/** Below all of those: no ledger has so many sources. */
const LOOKS = -(2 ** 40);

/** The same where a person wants a source to be looked at, or tried again, now. */
export const lookKey = (sourceId: number): number => LOOKS - sourceId;

/** Below all of those. */
const ACCOUNTS = -(2 ** 41);
/** Two accounts may share a number: then both are looked at. */
const NUMBERS = 2 ** 32;

/** The same where a trigger began to listen to a source of an account, or stopped: whoever collects for it looks anew. */
export function accountKey(kind: string, account: string): number {
  let hash = 0;
  for (const char of `${kind} ${account}`) hash = (hash * 31 + char.codePointAt(0)!) % NUMBERS;
  return ACCOUNTS - hash;
}
