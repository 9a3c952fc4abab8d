// Whether an endpoint has failed for so long that it is set aside.
// Invariants: one success within that time is enough to leave it; so is a person who saved it anew or took it back; what it has
// taken, or not, before that counts for nothing, nor does what others of its host have.
import type { Endpoint, Endpoints } from '../../ledger/endpoints';

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
  const { lastSentAt, hasFailedThen, lastFailure } = await ledger.endpointHealth(id, {
    from: begins,
    until: cutoff,
  });
  if (lastSentAt !== null && lastSentAt >= cutoff) return null;
  if (!hasFailedThen || lastFailure === null || lastFailure.at < now - ms * LATELY) return null;
  return `Everything that it was to be told for ${days(ms)} has failed, the last with: ${lastFailure.error}`;
}

const days = (ms: number): string => {
  const count = Math.round(ms / 86_400_000);
  return count < 2 ? 'a day' : `${count} days`;
};
