// Which mails the Postgres ledger does not know yet: neither as events, nor as what is left of old ones.
import type { Candidate } from '../ledger';
import type { Statements } from './connection';

// `limit 1` keeps each look-up a look-up: as an anti-join it could become a scan of the whole table.
const selectUnrecorded = `
  select due.position, due.subscription_id as "subscriptionId"
  from unnest($1::int[], $2::bigint[]) due (position, subscription_id)
  join unnest($3::text[], $4::text[]) with ordinality candidate (identity, soft_identity, position)
    on candidate.position = due.position
  where (
      select 1 from durable_mail.event
      where subscription_id = due.subscription_id and event.identity = candidate.identity limit 1) is null
    and (
      select 1 from durable_mail.event
      where subscription_id = due.subscription_id and event.soft_identity = candidate.soft_identity limit 1) is null
    and (
      select 1 from durable_mail.seen
      where subscription_id = due.subscription_id and key = candidate.identity limit 1) is null
    and (
      select 1 from durable_mail.seen
      where subscription_id = due.subscription_id and key = candidate.soft_identity limit 1) is null`;

/** The same candidates, each with those subscriptions only that have and had no event for it. */
export async function unrecorded<T extends Candidate>(
  statements: Statements,
  candidates: readonly T[],
): Promise<T[]> {
  // Counted from 1, as `with ordinality` counts.
  const due = candidates.flatMap((candidate, index) => candidate.due.map((id) => [index + 1, id] as const));
  if (due.length === 0) return candidates.map((candidate) => ({ ...candidate }));
  const rows = await statements.all<{ position: number; subscriptionId: number }>(
    selectUnrecorded,
    due.map(([position]) => position),
    due.map(([, id]) => id),
    candidates.map(({ identity }) => identity),
    candidates.map(({ softIdentity }) => softIdentity),
  );
  const left = candidates.map(() => new Set<number>());
  for (const { position, subscriptionId } of rows) left[position - 1]!.add(subscriptionId);
  return candidates.map((candidate, index) => ({
    ...candidate,
    due: candidate.due.filter((id) => left[index]!.has(id)),
  }));
}
