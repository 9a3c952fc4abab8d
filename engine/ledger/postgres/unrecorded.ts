// Which mails the Postgres ledger does not know yet: neither as events, nor as what is left of old ones.
import type { Candidate } from '../recording';
import { storableCandidate } from '../common/storable';
import type { Statements } from './connection';
import type { Method } from './part';

// What the same node takes from other mailboxes of the account; an account-wide identity is the same mail there.
const FAMILY = `
  with family as materialized (
    select subscription.id, sibling.id as sibling
    from durable_mail.subscription
    join durable_mail.source on source.id = subscription.source_id
    join durable_mail.subscription sibling
      on sibling.workflow_id = subscription.workflow_id and sibling.node_id = subscription.node_id
        and sibling.source_id <> subscription.source_id
    join durable_mail.source other
      on other.id = sibling.source_id and other.kind = source.kind and other.account = source.account
    where subscription.id = any($6))`;

const NOT_IN_FAMILY = `
    and (not candidate.account_wide or (
      select 1 from family
      where family.id = due.subscription_id
        and ((
          select 1 from durable_mail.event
          where subscription_id = family.sibling and event.identity = candidate.identity limit 1) is not null
        or (
          select 1 from durable_mail.seen
          where subscription_id = family.sibling and key = candidate.identity limit 1) is not null)
      limit 1) is null)`;

const NOT_SEEMING = `
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

// What no candidate needs is left out: to plan it takes longer than to look for all of them.
// `limit 1` keeps each look-up a look-up: as an anti-join it could become a scan of the whole table.
function statementFor(isAnyWide: boolean, isAnyWeak: boolean): string {
  const columns = [
    ['identity', '$3::text[]'],
    ['soft_identity', '$4::text[]'],
    ...(isAnyWide ? [['account_wide', '$5::boolean[]']] : []),
    ...(isAnyWeak ? [['seems_like', isAnyWide ? '$7::text[]' : '$5::text[]']] : []),
  ];
  return `
  ${isAnyWide ? FAMILY : ''}
  select due.position, due.subscription_id as "subscriptionId"
  from unnest($1::int[], $2::bigint[]) due (position, subscription_id)
  join unnest(${columns.map(([, values]) => values).join(', ')}) with ordinality
      candidate (${columns.map(([name]) => name).join(', ')}, position)
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
    ${isAnyWide ? NOT_IN_FAMILY : ''}
    ${isAnyWeak ? NOT_SEEMING : ''}`;
}

/** By whether any candidate is account-wide, and by whether any has a weak identity. */
const STATEMENTS = [false, true].map((wide) => [false, true].map((weak) => statementFor(wide, weak)));

/** The same candidates, each with those subscriptions only that have and had no event for it. */
export async function unrecorded<T extends Candidate>(
  statements: Statements,
  candidates: readonly T[],
): Promise<T[]> {
  // Counted from 1, as `with ordinality` counts.
  const due = candidates.flatMap((candidate, index) => candidate.due.map((id) => [index + 1, id] as const));
  if (due.length === 0) return candidates.map((candidate) => ({ ...candidate }));
  const asked = candidates.map(storableCandidate);
  const wide = candidates.filter(({ accountWide }) => accountWide);
  const isAnyWide = wide.length > 0;
  const weaks = asked.map(({ seemsLike }) => seemsLike ?? null);
  const isAnyWeak = weaks.some((weak) => weak !== null);
  const rows = await statements.all<{ position: number; subscriptionId: number }>(
    STATEMENTS[Number(isAnyWide)]![Number(isAnyWeak)]!,
    due.map(([position]) => position),
    due.map(([, id]) => id),
    asked.map(({ identity }) => identity),
    asked.map(({ softIdentity }) => softIdentity),
    ...(isAnyWide
      ? [candidates.map(({ accountWide }) => accountWide), [...new Set(wide.flatMap((one) => one.due))]]
      : []),
    ...(isAnyWeak ? [weaks] : []),
  );
  const left = candidates.map(() => new Set<number>());
  for (const { position, subscriptionId } of rows) left[position - 1]!.add(subscriptionId);
  return candidates.map((candidate, index) => ({
    ...candidate,
    due: candidate.due.filter((id) => left[index]!.has(id)),
  }));
}

/**
 * Above these a server may compile the plan, which takes longer than running it (0.6 s for 500, measured). Only in a
 * transaction is it told not to, and for one mail that would be two more ways to the server and back.
 */
const FEW_LOOKS = 50;

/** As `unrecorded`, by itself. */
export const lookUp: Method<'unrecorded'> = (connection, candidates) => {
  const looks = candidates.reduce((sum, { due }) => sum + due.length, 0);
  return looks <= FEW_LOOKS
    ? unrecorded(connection, candidates)
    : connection.transaction((statements) => unrecorded(statements, candidates));
};
