// Which mails the Postgres ledger does not know yet: neither as events, nor as what is left of old ones.
import type { Candidate } from '../ledger';
import type { Statements } from './connection';

// `limit 1` keeps each look-up a look-up: as an anti-join it could become a scan of the whole table.
// `family`: what the same node takes from other mailboxes of the account; an account-wide identity is the same mail there.
const selectUnrecorded = `
  with family as materialized (
    select subscription.id, sibling.id as sibling
    from durable_mail.subscription
    join durable_mail.source on source.id = subscription.source_id
    join durable_mail.subscription sibling
      on sibling.workflow_id = subscription.workflow_id and sibling.node_id = subscription.node_id
        and sibling.source_id <> subscription.source_id
    join durable_mail.source other
      on other.id = sibling.source_id and other.kind = source.kind and other.account = source.account
    where subscription.id = any($7))
  select due.position, due.subscription_id as "subscriptionId"
  from unnest($1::int[], $2::bigint[]) due (position, subscription_id)
  join unnest($3::text[], $4::text[], $5::boolean[], $6::text[]) with ordinality
      candidate (identity, soft_identity, account_wide, seems_like, position)
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
      where subscription_id = due.subscription_id and key = candidate.soft_identity limit 1) is null
    and (not candidate.account_wide or (
      select 1 from family
      where family.id = due.subscription_id
        and ((
          select 1 from durable_mail.event
          where subscription_id = family.sibling and event.identity = candidate.identity limit 1) is not null
        or (
          select 1 from durable_mail.seen
          where subscription_id = family.sibling and key = candidate.identity limit 1) is not null)
      limit 1) is null)
    and (candidate.seems_like is null or ((
        select 1 from durable_mail.subscription
        cross join lateral (
          select id from durable_mail.message
          where source_id = subscription.source_id and weak_identity = candidate.seems_like) message
        cross join lateral (
          select 1 from durable_mail.event
          where message_id = message.id and subscription_id = due.subscription_id limit 1) event
        where subscription.id = due.subscription_id limit 1) is null
      and (
        select 1 from durable_mail.seen
        where subscription_id = due.subscription_id and key = 'weak:' || candidate.seems_like limit 1) is null))`;

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
    candidates.map(({ accountWide }) => accountWide),
    candidates.map(({ seemsLike }) => seemsLike ?? null),
    [...new Set(candidates.filter(({ accountWide }) => accountWide).flatMap((candidate) => candidate.due))],
  );
  const left = candidates.map(() => new Set<number>());
  for (const { position, subscriptionId } of rows) left[position - 1]!.add(subscriptionId);
  return candidates.map((candidate, index) => ({
    ...candidate,
    due: candidate.due.filter((id) => left[index]!.has(id)),
  }));
}
