// Which mails the SQLite ledger does not know yet: neither as events, nor as what is left of old ones.
import type { Candidate } from '../ledger';
import type { SqliteConnection } from './connection';

// `family`: what the same node takes from other mailboxes of the account; an account-wide identity is the same mail there.
const selectUnrecorded = `
  with family as materialized (
    select due.id, sibling.id as sibling
    from (
      select distinct due.value as id
      from json_each(?1) candidate cross join json_each(candidate.value, '$[2]') due
      where candidate.value ->> 3) due
    cross join subscription on subscription.id = due.id
    cross join source on source.id = subscription.source_id
    cross join subscription sibling
      on sibling.workflow_id = subscription.workflow_id and sibling.node_id = subscription.node_id
        and sibling.source_id <> subscription.source_id
    cross join source other
      on other.id = sibling.source_id and other.kind = source.kind and other.account = source.account
  )
  select candidate.key as position, due.value as subscriptionId
  from json_each(?1) candidate cross join json_each(candidate.value, '$[2]') due
  where not exists (
      select 1 from event where subscription_id = due.value and identity = candidate.value ->> 0)
    and not exists (
      select 1 from event where subscription_id = due.value and soft_identity = candidate.value ->> 1)
    and not exists (
      select 1 from seen where subscription_id = due.value and key = candidate.value ->> 0)
    and not exists (
      select 1 from seen where subscription_id = due.value and key = candidate.value ->> 1)
    and not (candidate.value ->> 3 and exists (
      select 1 from family
      where family.id = due.value and (
        exists (select 1 from event where subscription_id = family.sibling and identity = candidate.value ->> 0)
        or exists (select 1 from seen where subscription_id = family.sibling and key = candidate.value ->> 0))))
    and not (candidate.value ->> 4 is not null and (
      exists (
        select 1 from subscription
        cross join message on message.source_id = subscription.source_id
          and message.weak_identity = candidate.value ->> 4
        cross join event on event.message_id = message.id and event.subscription_id = subscription.id
        where subscription.id = due.value)
      or exists (
        select 1 from seen where subscription_id = due.value and key = 'weak:' || (candidate.value ->> 4))))`;

/** The same candidates, each with those subscriptions only that have and had no event for it. */
export function unrecorded<T extends Candidate>(connection: SqliteConnection, candidates: readonly T[]): T[] {
  const rows = connection.all<{ position: number; subscriptionId: number }>(
    selectUnrecorded,
    JSON.stringify(
      candidates.map(({ identity, softIdentity, accountWide, seemsLike, due }) => [
        ...[identity, softIdentity, due],
        ...[accountWide ? 1 : 0, seemsLike ?? null],
      ]),
    ),
  );
  const due = candidates.map((): number[] => []);
  for (const { position, subscriptionId } of rows) due[position]!.push(subscriptionId);
  return candidates.map((candidate, position) => ({ ...candidate, due: due[position]! }));
}
