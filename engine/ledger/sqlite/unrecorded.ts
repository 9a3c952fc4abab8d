// Which mails the SQLite ledger does not know yet: neither as events, nor as what is left of old ones.
import type { Candidate } from '../recording';
import { storableJson } from '../common/storable';
import type { SqliteConnection } from './connection';

// `family`: what the same node takes from other mailboxes of the account; an account-wide identity is the same mail there.
const unrecordedAmong = (asked: string, wides: string): string => `
  with asked as ${asked},
  family as materialized (
    select due.id, sibling.id as sibling
    from (${wides}) due
    cross join subscription on subscription.id = due.id
    cross join source on source.id = subscription.source_id
    cross join subscription sibling
      on sibling.workflow_id = subscription.workflow_id and sibling.node_id = subscription.node_id
        and sibling.source_id <> subscription.source_id
    cross join source other
      on other.id = sibling.source_id and other.kind = source.kind and other.account = source.account
  )
  select asked.place
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

// Most of what is asked for is known by its identity: only of the others is more taken out of its list. What has a place in
// a list is found by counting from its beginning: of long lists all is taken out once.
const selectFew = unrecordedAmong(
  `not materialized (
    select key as place, value as identity, ?2 ->> key as id, ?3 ->> key as soft, ?4 ->> key as wide, ?5 ->> key as weak
    from json_each(?1))`,
  `select distinct ?2 ->> key as id from json_each(?4) where value`,
);
const selectMany = unrecordedAmong(
  `materialized (
    select key as place, value ->> 0 as identity, value ->> 1 as id, value ->> 2 as soft, value ->> 3 as wide,
      value ->> 4 as weak
    from json_each(?1))`,
  `select distinct id from asked where wide`,
);
const FEW = 200;

/**
 * What is asked, each candidate with each of its subscriptions, as a statement takes it: JSON of a list of all, or where
 * there are few, of a list of each column; null: no candidate has any.
 */
export type Asked = readonly [all: string] | readonly [identity: string, ...others: (string | null)[]];

export function askedOf(candidates: readonly Candidate[]): Asked {
  let [isAnyWide, isAnyWeak] = [false, false];
  const columns: readonly unknown[][] = [[], [], [], [], []];
  const [identities, ids, softs, wides, weaks] = columns;
  for (const { identity, softIdentity, accountWide, seemsLike = null, due } of candidates) {
    isAnyWide ||= accountWide;
    isAnyWeak ||= seemsLike !== null;
    for (const id of due) {
      identities!.push(identity);
      ids!.push(id);
      softs!.push(softIdentity);
      wides!.push(accountWide ? 1 : 0);
      weaks!.push(seemsLike);
    }
  }
  if (ids!.length > FEW) return [json(ids!.map((_, place) => columns.map((column) => column[place])))];
  return [
    json(identities),
    json(ids),
    json(softs),
    isAnyWide ? json(wides) : null,
    isAnyWeak ? json(weaks) : null,
  ];
}

/** JSON shows where a text is none that is stored: hardly ever. */
function json(value: unknown): string {
  const text = JSON.stringify(value);
  return /\\u(?:0000|d[89a-f])/.test(text) ? storableJson(value) : text;
}

/** @returns the places, among what is asked, of what has and had no event */
export const unrecordedOf = (connection: SqliteConnection, asked: Asked): number[] =>
  connection
    .all<{ place: number }>(asked.length === 1 ? selectMany : selectFew, ...asked)
    .map(({ place }) => place);

/** The candidates, each with those subscriptions only whose places were answered. */
export function withDue<T extends Candidate>(candidates: readonly T[], places: readonly number[]): T[] {
  const answered = new Set(places);
  let place = 0;
  return candidates.map((candidate) => ({
    ...candidate,
    due: candidate.due.filter(() => answered.has(place++)),
  }));
}

/** The same candidates, each with those subscriptions only that have and had no event for it. */
export const unrecorded = <T extends Candidate>(
  connection: SqliteConnection,
  candidates: readonly T[],
): T[] => withDue(candidates, unrecordedOf(connection, askedOf(candidates)));
