// Which processes there are, and which sources they would read, in the SQLite ledger: as a rule there is one.
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
import { limitOf, NOW, type SqliteConnection } from './connection';
import type { Method, Part } from './part';

const IS_ALIVE = isAlive(NOW);
const CAN_REACH = canReach(NOW);

const upsertMember = `
  insert into member (name, alive_until) values (?1, ${NOW} + ?2)
  on conflict (name) do update set alive_until = excluded.alive_until`;

const renewMember = `update member set alive_until = ${NOW} + ?2 where name = ?1`;

const forgetMembers = `delete from member where alive_until < ${NOW} - ${FORGET_MS}`;

const dropWants = `
  delete from want where member = ?1 and source_id not in (select value ->> 'sourceId' from json_each(?2))
  returning source_id as sourceId`;

const putWants = `
  insert into want (member, source_id, reserve)
  select ?1, source.id, value ->> 'reserve' from json_each(?2) join source on source.id = value ->> 'sourceId'
  where true
  on conflict (member, source_id) do update set reserve = excluded.reserve where reserve <> excluded.reserve`;

const countOthers = `select count(*) as others from member where ${IS_ALIVE} and name <> ?`;

// What was passed on to it of these, and not taken.
const freePassed = `
  update source set holder = null, held_until = null, released_at = ${NOW}
  where id in (select value ->> 'sourceId' from json_each(?2)) and holder = ?1
    and not exists (
      select 1 from json_each(?3) where value ->> 'sourceId' = source.id and value ->> 'fence' = source.fence)`;

const deleteMember = `delete from member where name = ?`;

const selectShares = `
  with wanted as materialized (
    select want.source_id, want.member, reserve, ${CAN_REACH} as reaches
    from member join want on want.member = member.name where ${IS_ALIVE} order by 1, 2),
  each_source as (
    select source_id, json_group_array(member) filter (where reaches and reserve = 0) as wanters,
      json_group_array(member) filter (where reaches and reserve = 1) as reserves
    from wanted group by source_id),
  each_held as (
    select id, holder, case when wanters = '[]' and exists (
      select 1 from want where member = holder and want.source_id = id and not ${CAN_REACH})
      then reserves else wanters end as wanters
    from each_source join source on source.id = each_source.source_id)
  select holder, wanters, count(*) as count, json_group_array(id) as sourceIds
  from each_held join member on member.name = holder and ${IS_ALIVE}
  group by holder, wanters order by holder, wanters`;

const markUnreachable = `
  update want set unreachable_until = ${NOW} + ?2
  where member = ?1 and source_id in (select value from json_each(?3))`;

const passHold = `
  update source set
    holder = ?3, fence = fence + 1, connection = 'closed', read_since = null,
    next_try_at = null,
    held_until = min(${NOW} + ?4, (select alive_until from member where name = ?3))
  where id = ?1 and fence = ?2 and holder is not null and exists (
    select 1 from member join want on want.member = member.name
    where member.name = ?3 and ${IS_ALIVE} and alive_until > ${NOW} + ?4 / 2 and want.source_id = ?1 and ${CAN_REACH}
      and (reserve = 0 or exists (
        select 1 from want where source_id = ?1 and want.member = source.holder and not ${CAN_REACH}) and not exists (
        select 1 from member join want on want.member = member.name
        where source_id = ?1 and reserve = 0 and ${CAN_REACH} and ${IS_ALIVE})))`;

const selectStandings = `
  select source.id as sourceId, holder, held_until as until,
    (holder is null or held_until <= ${NOW}) as isFree,
    exists (select 1 from member where name = holder and ${IS_ALIVE}) as isMembers,
    (select count(*) from want join member on member.name = want.member
      where want.source_id = source.id and want.member <> ?1 and reserve = 0 and ${CAN_REACH}
        and ${IS_ALIVE}) as others,
    last_success_at as lastSuccessAt, failing_since as failingSince, last_error as lastError,
    read_since as readSince,
    (select json_group_array(json_object('subscriptionId', subscription_id, 'said', said)) from (
      select subscription_id, said from complaint where source_id = source.id and said_at > ${NOW} - ${COMPLAINT_MS}
      order by said_at, digest)) as complaints
  from source where source.id in (select value from json_each(?2)) order by source.id`;

const putComplaint = `
  insert into complaint (source_id, subscription_id, digest, said, said_at)
  select source_id, id, ?2, ?3, ${NOW} from subscription where id = ?1
  on conflict (source_id, subscription_id, digest) do update set said_at = excluded.said_at`;

const forgetComplaints = `
  delete from complaint where (source_id, subscription_id, digest) in (
    select source_id, subscription_id, digest from complaint where said_at <= ${NOW} - ${COMPLAINT_MS} ${limitOf('?')})`;

const noteNode = `
  insert into listening (workflow_id, node_id, instance, host, said_at) values (?1, ?2, ?3, ?4, ${NOW})
  on conflict (workflow_id, node_id) do update
    set instance = excluded.instance, host = excluded.host, said_at = excluded.said_at
  where instance = excluded.instance or abs(${NOW} - said_at) >= ${LISTENS_MS}`;

const selectNode = `
  select workflow_id as workflowId, node_id as nodeId, instance, host from listening
  where workflow_id = ? and node_id = ?`;

const attend: Method<'attend'> = (connection, member, aliveMs, wants, has = []) =>
  connection.transaction(() => {
    const say = wants ? upsertMember : renewMember;
    if (connection.run(say, member, Math.round(aliveMs)) === 0) return null;
    connection.run(forgetMembers);
    if (wants) {
      const all = JSON.stringify(wants.map((want) => ({ ...want, reserve: Number(want.reserve) })));
      const dropped = connection.all<{ sourceId: number }>(dropWants, member, all);
      connection.run(putWants, member, all);
      const unwanted = [...dropped, ...wants.filter(({ reserve }) => reserve)];
      connection.run(freePassed, member, JSON.stringify(unwanted), JSON.stringify(has));
    }
    return connection.get<{ others: number }>(countOthers, member)!.others;
  });

const withdraw: Method<'withdraw'> = (connection, member) => {
  connection.transaction(() => {
    const dropped = connection.all(dropWants, member, '[]');
    connection.run(freePassed, member, JSON.stringify(dropped), '[]');
    connection.run(deleteMember, member);
  });
};

const shares: Method<'shares'> = (connection) => connection.all<ShareRow>(selectShares).map(shareOf);

const cannotReach: Method<'cannotReach'> = (connection, member, sourceIds, ms) => {
  connection.run(markUnreachable, member, Math.round(ms), JSON.stringify(sourceIds));
};

const passOn: Method<'passOn'> = (connection, { sourceId, fence }, to, leaseMs) =>
  connection.run(passHold, sourceId, fence, to, Math.round(leaseMs)) > 0;

const complain: Method<'complain'> = (connection, { subscriptionId, said }) => {
  const text = storable(said);
  connection.run(putComplaint, subscriptionId, digestOf(text), text);
};

/** @returns how many were not said again */
export const sweepComplaints = (connection: SqliteConnection, limit: number): number =>
  connection.run(forgetComplaints, limit);

const standings: Method<'standings'> = (connection, member, sourceIds) =>
  connection
    .all<Omit<StandingRow, 'isMembers' | 'isFree'> & { isMembers: number; isFree: number }>(
      selectStandings,
      member,
      JSON.stringify(sourceIds),
    )
    .map((row) => standingOf({ ...row, isFree: row.isFree === 1, isMembers: row.isMembers === 1 }));

const noteListening: Method<'noteListening'> = (connection, nodes) =>
  connection.transaction(() =>
    nodes.flatMap(({ workflowId, nodeId, instance, host }) => {
      if (connection.run(noteNode, workflowId, nodeId, instance, host) > 0) return [];
      return connection.get<ListeningNode>(selectNode, workflowId, nodeId) ?? [];
    }),
  );

export const members: Part<Members> = {
  ...{ attend, withdraw, shares, cannotReach, passOn, complain, standings, noteListening },
};
