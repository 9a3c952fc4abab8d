// The names of everything that is kept in Redis.
// Invariant: each begins with the id of the ledger, so that two ledgers on one Redis never meet; all of one ledger are in one slot
// of a cluster (what stands in braces decides), so that one script may use several.

/**
 * For people who give a user its rights in Redis: without channels of its own none can be heard (the default of Redis 7).
 * @param refusal Redis's own words
 */
export const rightFor = (refusal: string): string =>
  /channel/i.test(refusal)
    ? 'Its user needs the channels "durable-mail:*" (ACL SETUSER … &durable-mail:*).'
    : 'Its user needs the commands PUBLISH and SUBSCRIBE.';

export type Keys = (name: string) => string;

export const keysOf =
  (ledgerId: string): Keys =>
  (name) =>
    `durable-mail:{${ledgerId}}:${name}`;
