// The names of everything that is kept in Redis.
// Invariant: each begins with the id of the ledger, so that two ledgers on one Redis never meet; all of one ledger are in one slot
// of a cluster (what stands in braces decides), so that one script may use several.

export type Keys = (name: string) => string;

export const keysOf =
  (ledgerId: string): Keys =>
  (name) =>
    `durable-mail:{${ledgerId}}:${name}`;
