// What requests to the Gmail API cost, and what Google lets an account spend in a minute:
// https://developers.google.com/gmail/api/reference/quota.
// Invariant: all that ask for an account with one login in this process spend from one bucket.
import { QuotaBucket, type QuotaLimit } from '../../http/quota';
import { processWide } from '../../runtime/process-wide';
import type { QuotaTable } from './login';

/** In quota units; the tables differ in what a message costs only. */
const SHARED = {
  history: 2,
  list: 5,
  profile: 1,
  labels: 1,
  modify: 5,
  batchModify: 50,
  trash: 5,
  watch: 100,
} as const;

export const COSTS = {
  new: { ...SHARED, get: 20 },
  old: { ...SHARED, get: 5 },
} as const satisfies Record<QuotaTable, Record<string, number>>;

/** For each user and project. */
export const QUOTA_LIMITS: Readonly<Record<QuotaTable, QuotaLimit>> = {
  new: { units: 6_000, inMs: 60_000 },
  old: { units: 15_000, inMs: 60_000 },
};

/** One for each login, account and table, shared by all that ask for it in this process. */
const buckets = (): Map<string, QuotaBucket> =>
  processWide('gmail-quota/1', () => new Map<string, QuotaBucket>());

/**
 * @param endpoint where the API is; other endpoints have quotas of their own
 * @param credential id: Google counts for each user and project, and a credential is of one project
 */
export function quotaOf(endpoint: string, address: string, table: QuotaTable, credential = ''): QuotaBucket {
  const key = [endpoint, address, table, credential].join(' ');
  const known = buckets().get(key) ?? new QuotaBucket(QUOTA_LIMITS[table]);
  buckets().set(key, known);
  return known;
}
