// Which processes there are, and which sources they would read, in the Postgres ledger.
// Invariants: members and wants are each written by their member alone; what several are forgotten is locked by name; whoever passes
// a source on holds the want for which it does meanwhile, and whoever drops a want looks after that for what came by it.
import {
  canReach,
  COMPLAINT_MS,
  digestOf,
  FORGET_MS,
  isAlive,
  LISTENS_MS,
  shareOf,
  type ShareRow,
  standingOf,
  type StandingRow,
} from '../common/members';
import { storable } from '../common/storable';
import type { ListeningNode, Members } from '../members';
import type { SourceHold } from '../source-holds';
import { NOW, type PostgresConnection, type Statements } from './connection';
import type { Method, Part } from './part';

const IS_ALIVE = isAlive(NOW);
const CAN_REACH = canReach(NOW);

const upsertMember = `
  insert into durable_mail.member (name, alive_until) values ($1, ${NOW} + $2)
  on conflict (name) do update set alive_until = excluded.alive_until`;

const renewMember = `update durable_mail.member set alive_until = ${NOW} + $2 where name = $1`;

const forgetMembers = `
  with gone as materialized (
    select name from durable_mail.member where alive_until < ${NOW} - ${FORGET_MS}
    order by name for update skip locked)
  delete from durable_mail.member using gone where member.name = gone.name`;

const dropWants = `
  delete from durable_mail.want where member = $1 and source_id <> all($2) returning source_id as "sourceId"`;

const putWants = `
  insert into durable_mail.want (member, source_id, reserve)
  select $1, source.id, wanted.reserve
  from unnest($2::bigint[], $3::boolean[]) wanted (source_id, reserve)
  join durable_mail.source on source.id = wanted.source_id
  on conflict (member, source_id) do update set reserve = excluded.reserve
  where want.reserve <> excluded.reserve`;

const countOthers = `
  select count(*)::int as others from durable_mail.member where ${IS_ALIVE} and name <> $1`;

const lockPassed = `
  select id from durable_mail.source where id = any($2) and holder = $1
    and not exists (select 1 from unnest($3::bigint[], $4::bigint[]) hold (source_id, fence)
      where hold.source_id = source.id and hold.fence = source.fence)
  order by id for no key update`;

const free = `
  update durable_mail.source set holder = null, held_until = null, released_at = ${NOW} where id = any($1)`;

const deleteMember = `delete from durable_mail.member where name = $1`;

const selectShares = `
  with each_source as (
    select source_id,
      coalesce(json_agg(want.member order by want.member) filter (where not reserve and ${CAN_REACH}), '[]')::text as wanters,
      coalesce(json_agg(want.member order by want.member) filter (where reserve and ${CAN_REACH}), '[]')::text as reserves
    from durable_mail.member join durable_mail.want on want.member = member.name
    where ${IS_ALIVE} group by source_id),
  each_held as (
    select id, holder, case when wanters = '[]' and exists (
      select 1 from durable_mail.want where member = holder and want.source_id = id and not ${CAN_REACH})
      then reserves else wanters end as wanters
    from each_source join durable_mail.source on source.id = each_source.source_id)
  select holder, wanters, count(*)::int as count, json_agg(id)::text as "sourceIds"
  from each_held join durable_mail.member on member.name = holder and ${IS_ALIVE}
  group by holder, wanters order by holder collate "C", wanters collate "C"`;

const markUnreachable = `
  update durable_mail.want set unreachable_until = ${NOW} + $2 where member = $1 and source_id = any($3)`;

// Whether it could be read until now is so for the next one, too. Who drops that want waits for this, and finds what was passed on; or was first, and then it is not wanted.
const passHold = `
  with wanted as materialized (
    select alive_until from durable_mail.want join durable_mail.member on member.name = want.member
    where want.member = $3 and want.source_id = $1 and ${CAN_REACH}
      and (not reserve or exists (
        select 1 from durable_mail.want join durable_mail.source on source.id = source_id and source.holder = want.member
        where source_id = $1 and not ${CAN_REACH}) and not exists (
        select 1 from durable_mail.want join durable_mail.member on member.name = want.member
        where source_id = $1 and not reserve and ${CAN_REACH} and ${IS_ALIVE}))
      and ${IS_ALIVE} and alive_until > ${NOW} + $4 / 2
    for share of want)
  update durable_mail.source set
    holder = $3, fence = fence + 1, held_until = least(${NOW} + $4, wanted.alive_until), connection = 'closed',
    read_since = null, next_try_at = null
  from wanted where id = $1 and fence = $2 and holder is not null`;

const selectStandings = `
  select source.id as "sourceId", holder, held_until as until,
    (holder is null or held_until <= ${NOW}) as "isFree",
    exists (select 1 from durable_mail.member where name = holder and ${IS_ALIVE}) as "isMembers",
    (select count(*)::int from durable_mail.want join durable_mail.member on member.name = want.member
      where want.source_id = source.id and want.member <> $1 and not reserve and ${CAN_REACH}
        and ${IS_ALIVE}) as others,
    last_success_at as "lastSuccessAt", failing_since as "failingSince", last_error as "lastError",
    read_since as "readSince",
    coalesce((select json_agg(json_build_object('subscriptionId', subscription_id, 'said', said) order by said_at, digest)
      from durable_mail.complaint where source_id = source.id and said_at > ${NOW} - ${COMPLAINT_MS}), '[]')::text as complaints
  from durable_mail.source where source.id = any($2) order by source.id`;

const putComplaint = `
  insert into durable_mail.complaint (source_id, subscription_id, digest, said, said_at)
  select source_id, id, $2, $3, ${NOW} from durable_mail.subscription where id = $1
  on conflict (source_id, subscription_id, digest) do update set said_at = excluded.said_at`;

const forgetComplaints = `
  with old as materialized (
    select source_id, subscription_id, digest from durable_mail.complaint where said_at <= ${NOW} - ${COMPLAINT_MS}
    order by said_at limit $1 for update skip locked)
  delete from durable_mail.complaint using old
  where (complaint.source_id, complaint.subscription_id, complaint.digest) = (old.source_id, old.subscription_id, old.digest)`;

const noteNode = `
  insert into durable_mail.listening (workflow_id, node_id, instance, host, said_at)
  values ($1, $2, $3, $4, ${NOW})
  on conflict (workflow_id, node_id) do update
    set instance = excluded.instance, host = excluded.host, said_at = excluded.said_at
  where listening.instance = excluded.instance or abs(${NOW} - listening.said_at) >= ${LISTENS_MS}`;

const selectNode = `
  select workflow_id as "workflowId", node_id as "nodeId", instance, host from durable_mail.listening
  where workflow_id = $1 and node_id = $2`;

const attend: Method<'attend'> = async (connection, member, aliveMs, wants, has = []) => {
  const say = wants ? upsertMember : renewMember;
  if ((await connection.run(say, member, Math.round(aliveMs))) === 0) return null;
  await connection.run(forgetMembers);
  if (wants) {
    const sourceIds = wants.map(({ sourceId }) => sourceId);
    const reserves = wants.map(({ reserve }) => reserve);
    await connection.transaction(async (statements) => {
      const dropped = await statements.all<{ sourceId: number }>(dropWants, member, sourceIds);
      await statements.run(putWants, member, sourceIds, reserves);
      const unwanted = [...dropped, ...wants.filter(({ reserve }) => reserve)];
      await freePassed(statements, member, unwanted, has);
    });
  }
  return (await connection.get<{ others: number }>(countOthers, member))!.others;
};

const withdraw: Method<'withdraw'> = (connection, member) =>
  connection.transaction(async (statements) => {
    await freePassed(statements, member, await statements.all(dropWants, member, []));
    await statements.run(deleteMember, member);
  });

/** What was passed on to it of these, and not taken; after their wants are gone, in statements of its own: so it sees the last of it. */
async function freePassed(
  statements: Statements,
  member: string,
  unwanted: readonly { readonly sourceId: number }[],
  has: readonly SourceHold[] = [],
): Promise<void> {
  if (unwanted.length === 0) return;
  const ids = unwanted.map(({ sourceId }) => sourceId);
  const [had, fences] = [has.map(({ sourceId }) => sourceId), has.map(({ fence }) => fence)];
  const passed = await statements.all<{ id: number }>(lockPassed, member, ids, had, fences);
  if (passed.length > 0)
    await statements.run(
      free,
      passed.map(({ id }) => id),
    );
}

const shares: Method<'shares'> = async (connection) =>
  (await connection.all<ShareRow>(selectShares)).map(shareOf);

const cannotReach: Method<'cannotReach'> = async (connection, member, sourceIds, ms) => {
  await connection.run(markUnreachable, member, Math.round(ms), sourceIds);
};

const passOn: Method<'passOn'> = async (connection, { sourceId, fence }, to, leaseMs) =>
  (await connection.run(passHold, sourceId, fence, to, Math.round(leaseMs))) > 0;

const complain: Method<'complain'> = async (connection, { subscriptionId, said }) => {
  const text = storable(said);
  await connection.run(putComplaint, subscriptionId, digestOf(text), text);
};

/** @returns how many were not said again */
export const sweepComplaints = (connection: PostgresConnection, limit: number): Promise<number> =>
  connection.run(forgetComplaints, limit);

const standings: Method<'standings'> = async (connection, member, sourceIds) =>
  (await connection.all<StandingRow>(selectStandings, member, sourceIds)).map(standingOf);

const noteListening: Method<'noteListening'> = async (connection, nodes) => {
  const others: ListeningNode[] = [];
  for (const { workflowId, nodeId, instance, host } of nodes) {
    if ((await connection.run(noteNode, workflowId, nodeId, instance, host)) > 0) continue;
    const other = await connection.get<ListeningNode>(selectNode, workflowId, nodeId);
    if (other) others.push(other);
  }
  return others;
};

export const members: Part<Members> = {
  ...{ attend, withdraw, shares, cannotReach, passOn, complain, standings, noteListening },
};
