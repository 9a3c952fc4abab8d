// Which mails the SQLite ledger does not know yet: neither as events, nor as what is left of old ones.
import type { Candidate } from '../ledger';
import type { SqliteConnection } from './connection';

// `asked`: each candidate with each of its subscriptions, taken out of the JSON once.
// `family`: what the same node takes from other mailboxes of the account; an account-wide identity is the same mail there.
const selectUnrecorded = `
  with asked as materialized (
    select value ->> 0 as position, value ->> 1 as id, value ->> 2 as identity, value ->> 3 as soft,
      value ->> 4 as wide, value ->> 5 as weak
    from json_each(?1)
  ),
  family as materialized (
    select due.id, sibling.id as sibling
    from (select distinct id from asked where wide) due
    cross join subscription on subscription.id = due.id
    cross join source on source.id = subscription.source_id
    cross join subscription sibling
      on sibling.workflow_id = subscription.workflow_id and sibling.node_id = subscription.node_id
        and sibling.source_id <> subscription.source_id
    cross join source other
      on other.id = sibling.source_id and other.kind = source.kind and other.account = source.account
  )
  select asked.position, asked.id as subscriptionId
  from asked
  where not exists (select 1 from event where subscription_id = asked.id and identity = asked.identity)
    and not exists (select 1 from event where subscription_id = asked.id and soft_identity = asked.soft)
    and not exists (select 1 from seen where subscription_id = asked.id and key = asked.identity)
    and not exists (select 1 from seen where subscription_id = asked.id and key = asked.soft)
    and not (asked.wide and exists (
      select 1 from family
      where family.id = asked.id and (
        exists (select 1 from event where subscription_id = family.sibling and identity = asked.identity)
        or exists (select 1 from seen where subscription_id = family.sibling and key = asked.identity))))
    and not (asked.weak is not null and (
      exists (
        select 1 from subscription
        cross join message on message.source_id = subscription.source_id and message.weak_identity = asked.weak
        cross join event on event.message_id = message.id and event.subscription_id = subscription.id
        where subscription.id = asked.id)
      or exists (
        select 1 from seen where subscription_id = asked.id and key = 'weak:' || asked.weak)))`;

/** What is asked, as the statement takes it. */
export const askedOf = (candidates: readonly Candidate[]): string =>
  JSON.stringify(
    candidates.flatMap(({ identity, softIdentity, accountWide, seemsLike, due }, position) =>
      due.map((id) => [position, id, identity, softIdentity, accountWide ? 1 : 0, seemsLike ?? null]),
    ),
  );

/** @returns places of candidates, each with a subscription that has and had no event for it */
export const unrecordedOf = (connection: SqliteConnection, asked: string): Unrecorded[] =>
  connection
    .all<{ position: number; subscriptionId: number }>(selectUnrecorded, asked)
    .map(({ position, subscriptionId }) => [position, subscriptionId]);

export type Unrecorded = readonly [position: number, subscriptionId: number];

/** The candidates, each with those subscriptions only that were answered. */
export function withDue<T extends Candidate>(
  candidates: readonly T[],
  unrecorded: readonly Unrecorded[],
): T[] {
  const due = candidates.map((): number[] => []);
  for (const [position, subscriptionId] of unrecorded) due[position]!.push(subscriptionId);
  return candidates.map((candidate, position) => ({ ...candidate, due: due[position]! }));
}

/** The same candidates, each with those subscriptions only that have and had no event for it. */
export const unrecorded = <T extends Candidate>(
  connection: SqliteConnection,
  candidates: readonly T[],
): T[] => withDue(candidates, unrecordedOf(connection, askedOf(candidates)));
