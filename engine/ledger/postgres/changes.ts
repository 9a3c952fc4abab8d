// Changes in Postgres: read in the order of their transactions, as far as none is under way that could still come before;
// and swept from the oldest on, so that what is kept has no hole.
// Invariant: what another server gave numbers to (a dump that was restored here) is never ahead of what this one writes.
import { pageOf, placeOfPosition, positionOf, type StoredChange } from '../common/change-page';
import { AHEAD_MARGIN_MS, SET_BACK_MS } from '../common/clock';
import { largest } from '../common/halving';
import { type Changes, KEEP_CHANGES_MS, MOST_CHANGES } from '../changes';
import { NOW, type PostgresConnection } from './connection';
import type { Method, Part } from './part';

type Row = Omit<StoredChange, 'place'> & { readonly xid: string; readonly id: number };

const facts = `
  change.xid, change.id, change.at, change.type, change.source_id as "sourceId", change.event_id as event,
  change.workflow_id as "workflowId", change.details, (select ledger_id from durable_mail.ownership) as ledger`;

/** No transaction that is under way is older. */
const IS_CERTAIN = 'change.xid < pg_snapshot_xmin(pg_current_snapshot())';

const selectFrom = `
  select ${facts} from durable_mail.change
  where (change.xid, change.id) >= ($1::xid8, $2::bigint) and ${IS_CERTAIN}
  order by change.xid, change.id limit $3`;

const selectNext = `
  select ${facts} from durable_mail.change
  where change.xid >= $1::xid8 and ${IS_CERTAIN} order by change.xid, change.id limit 1`;

const selectSince = `
  select change.xid, change.id from durable_mail.change
  where (change.xid, change.id) > ($1::xid8, $2::bigint) and change.at >= $3 and ${IS_CERTAIN}
  order by change.xid, change.id limit 1`;

const selectBefore = `
  select ${facts} from durable_mail.change
  where (change.xid, change.id) < ($1::xid8, $2::bigint) order by change.xid desc, change.id desc limit 1`;

const selectEnds = `
  (select ${facts} from durable_mail.change where ${IS_CERTAIN} order by change.xid, change.id limit 1)
  union all
  (select ${facts} from durable_mail.change where ${IS_CERTAIN} order by change.xid desc, change.id desc limit 1)`;

// All up to the first that is kept, and never the newest. Nothing is skipped that another process has locked.
const sweepOldest = `
  with newest as materialized (
    select xid, id from durable_mail.change where ${IS_CERTAIN} order by xid desc, id desc limit 1),
  oldest as materialized (
    select xid, id, at from durable_mail.change where ${IS_CERTAIN} order by xid, id limit $1),
  looked as (
    select oldest.xid, oldest.id,
      bool_and((oldest.xid, oldest.id) < (newest.xid, newest.id) and (
          oldest.id <= newest.id - ${MOST_CHANGES}
          or oldest.at not between ${NOW} - ${KEEP_CHANGES_MS} and ${NOW} + ${AHEAD_MARGIN_MS}))
        over (order by oldest.xid, oldest.id) as goes
    from oldest cross join newest),
  locked as materialized (
    select change.place
    from (select xid, id from looked where goes order by xid, id) gone cross join lateral (
      select ctid as place from durable_mail.change
      where change.xid = gone.xid and change.id = gone.id for update) change)
  delete from durable_mail.change where ctid = any(array(select place from locked))`;

// No transaction of this server can have written them yet.
const selectForeign = `
  select 1 as foreign from durable_mail.change where xid >= pg_snapshot_xmax(pg_current_snapshot()) limit 1`;

const forgetForeign = `
  with gone as (
    delete from durable_mail.change where xid >= pg_snapshot_xmax(pg_current_snapshot()) returning id)
  insert into durable_mail.change (xid, type, details)
  select '0', 'begin', '{}'
  where not exists (select 1 from durable_mail.change where xid < pg_snapshot_xmax(pg_current_snapshot()))`;

const changes: Method<'changes'> = async (connection, after, limit, filter) => {
  const place = placeOfPosition(after, 2);
  if (!place) return 'reset';
  const rows = await connection.all<Row>(selectFrom, ...place, limit + 2);
  return pageOf(rows.map(stored), after, limit, filter);
};

const changePositions: Method<'changePositions'> = async (connection) => {
  const ends = (await connection.all<Row>(selectEnds)).map((row) => positionOf(stored(row)));
  return { oldest: ends[0]!, newest: ends.at(-1)! };
};

// All before the first that is not older is older; where it is looked for from, so is all before that: the time of a change is
// when its transaction began, which is not as long before its place is decided.
const changeAt: Method<'changeAt'> = async (connection, at) => {
  const ends = await connection.all<Row>(selectEnds);
  const [oldest, newest] = [ends[0]!, ends.at(-1)!];
  if (oldest.at >= at) return positionOf(stored(oldest));
  const before = at - SET_BACK_MS;
  let from = oldest;
  await largest(BigInt(oldest.xid), BigInt(newest.xid) + 1n, async (xid) => {
    const next = await connection.get<Row>(selectNext, String(xid));
    if (!next || next.at >= before) return false;
    from = next;
    return true;
  });
  const first = await connection.get<Pick<Row, 'xid' | 'id'>>(selectSince, from.xid, from.id, at);
  const last = first && (await connection.get<Row>(selectBefore, first.xid, first.id));
  return positionOf(stored(last ?? newest));
};

export const told: Part<Changes> = { changes, changePositions, changeAt };

/** @returns how many it deleted */
export const sweepChanges = (connection: PostgresConnection, limit: number): Promise<number> =>
  connection.run(sweepOldest, limit);

/** When the ledger is opened. */
export async function sweepForeignChanges(connection: PostgresConnection): Promise<void> {
  if (await connection.get(selectForeign)) await connection.run(forgetForeign);
}

const stored = ({ xid, id, ...row }: Row): StoredChange => ({ ...row, place: [xid, id] });
