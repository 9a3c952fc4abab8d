// Changes in the SQLite ledger: read in the order of their ids, which is that of their commits, since one at a time writes;
// and swept from the oldest on, so that what is kept has no hole.
import { pageOf, placeOfPosition, positionOf, type StoredChange } from '../common/change-page';
import { AHEAD_MARGIN_MS, SET_BACK_MS } from '../common/clock';
import { largest } from '../common/halving';
import { type Changes, KEEP_CHANGES_MS, MOST_CHANGES } from '../changes';
import { limitOf, NOW, type SqliteConnection } from './connection';
import type { Method, Part } from './part';

type Row = Omit<StoredChange, 'place'> & { readonly id: number };

const facts = `
  id, at, type, source_id as sourceId, event_id as event, workflow_id as workflowId, details,
  (select ledger_id from ownership) as ledger`;

const selectFrom = `select ${facts} from change where id >= ?1 order by id ${limitOf('?2')}`;

const selectNext = `select ${facts} from change where id >= ? order by id limit 1`;

const selectSince = `select id from change where id > ? and at >= ? order by id limit 1`;

const selectBefore = `select ${facts} from change where id < ? order by id desc limit 1`;

const selectEnds = `
  select ${facts} from change
  where id in ((select min(id) from change), (select max(id) from change)) order by id`;

// All up to the first that is kept, and never the newest.
const sweepOldest = `
  delete from change where id in (
    select id from (
      select id, min(id < newest and (
          id <= newest - ${MOST_CHANGES} or at not between ${NOW} - ${KEEP_CHANGES_MS} and ${NOW} + ${AHEAD_MARGIN_MS}))
        over (order by id) as goes
      from (select id, at from change where id >= (select min(id) from change) order by id ${limitOf('?')}),
        (select max(id) as newest from change))
    where goes)`;

const changes: Method<'changes'> = (connection, after, limit, filter) => {
  const place = placeOfPosition(after, 1);
  if (!place) return 'reset';
  const rows = connection.all<Row>(selectFrom, Number(place[0]), limit + 2);
  return pageOf(rows.map(stored), after, limit, filter);
};

const changePositions: Method<'changePositions'> = (connection) => {
  const ends = connection.all<Row>(selectEnds).map((row) => positionOf(stored(row)));
  return { oldest: ends[0]!, newest: ends.at(-1)! };
};

// All before the first that is not older is older; where it is looked for from, so is all before that.
const changeAt: Method<'changeAt'> = async (connection, at) => {
  const ends = connection.all<Row>(selectEnds);
  const [oldest, newest] = [ends[0]!, ends.at(-1)!];
  if (oldest.at >= at) return positionOf(stored(oldest));
  const before = at - SET_BACK_MS;
  const next = (id: bigint): Row => connection.get<Row>(selectNext, id)!;
  const from = await largest(BigInt(oldest.id), BigInt(newest.id) + 1n, (middle) => next(middle).at < before);
  const first = connection.get<Pick<Row, 'id'>>(selectSince, from, at);
  return positionOf(stored(first ? connection.get<Row>(selectBefore, first.id)! : newest));
};

export const told: Part<Changes> = { changes, changePositions, changeAt };

/** @returns how many it deleted */
export const sweepChanges = (connection: SqliteConnection, limit: number): number =>
  connection.run(sweepOldest, limit);

const stored = ({ id, ...row }: Row): StoredChange => ({ ...row, place: [id] });
