// Whether an endpoint has failed for so long that it is set aside.
// Invariants: one success within that time is enough to leave it; so is a person who saved it anew or took it back; what failed
// before its last success counts for nothing, nor does what it has taken, or not, before that person, nor what others of its host have.
import type { Endpoint, EndpointHealth, Endpoints } from '../../ledger/endpoints';

/** Its last failure has to be as new as this part of the time: of one that is told nothing nobody knows. */
const LATELY = 1 / 3;

export interface FailingFor {
  /** How long nothing may have succeeded, ms. */
  readonly ms: number;
  /** ms since 1970. */
  readonly now: number;
}

/** @returns why it is set aside; null: it is not */
export async function failingFor(
  ledger: Pick<Endpoints, 'endpointHealth'>,
  { id, createdAt, savedAt, missedAt }: Endpoint,
  { ms, now }: FailingFor,
): Promise<string | null> {
  const cutoff = now - ms;
  const begins = Math.max(createdAt, savedAt, missedAt ?? 0);
  if (begins > cutoff) return null;
  const health = (from: number): Promise<EndpointHealth> =>
    ledger.endpointHealth(id, { from, until: cutoff });
  const known = await health(begins);
  const { lastSentAt, lastFailure } = known;
  if (lastSentAt !== null && lastSentAt >= cutoff) return null;
  const { hasFailedThen } = lastSentAt !== null && lastSentAt > begins ? await health(lastSentAt) : known;
  if (!hasFailedThen || lastFailure === null || lastFailure.at < now - ms * LATELY) return null;
  return `Everything that it was to be told for ${days(ms)} has failed, the last with: ${lastFailure.error}`;
}

const days = (ms: number): string => {
  const count = Math.round(ms / 86_400_000);
  return count < 2 ? 'a day' : `${count} days`;
};
