// What people do to events of the Postgres ledger by hand.
// Invariant: an action goes through its events once, by `seq`, in chunks: each is one short transaction, and an event
// that is settled again meanwhile is not taken twice.
import type { Changed, Selection } from '../inspection';
import type { EventState } from '../states';
import { NOW, type PostgresConnection } from './connection';
import { dropContents, lockedContents } from './content';
import { FILTER, filterParameters } from './filter';
import { cancelledActions } from './mail-actions';
import { IS_SERVED } from './serving';

const CHUNK = 5_000;

/** The next chunk of a selection, locked. `$7`: the last `seq` of the one before. */
const chosen = (states: readonly EventState[], lock: string): string => `
  with chosen as materialized (
    select event.seq, event.subscription_id, event.message_id from durable_mail.event
    where ${FILTER} and event.state in (${states.map((state) => `'${state}'`).join(', ')}) and event.seq > $7
    order by event.seq limit $8 ${lock})`;

const FOR_UPDATE = 'for update of event';

const SUMMARY = `
  select count(*) as count, count(*) filter (where changed.subscription_id in (
      select id from durable_mail.subscription where not ${IS_SERVED})) as unserved,
    (select max(seq) from chosen) as "lastSeq", (select count(*) from chosen) as looked,
    coalesce(array_agg(distinct changed.subscription_id), '{}')::text[] as "subscriptionIds"`;

const replayEvents = `
  ${chosen(['DONE', 'DEAD', 'GONE', 'UNKNOWN'], FOR_UPDATE)},
  changed as (
    update durable_mail.event set
      state = 'PENDING', due_at = ${NOW}, failures = 0, run_id = null, execution_id = null, last_error = null,
      settled_at = null, reported_at = null, unclaimed = 0
    from chosen
    where event.seq = chosen.seq
    returning event.id, event.subscription_id, event.message_id),
  ${cancelledActions('changed')},
  kept as (
    update durable_mail.content set drop_at = null
    from changed where content.message_id = changed.message_id and content.drop_at is not null)
  ${SUMMARY} from changed`;

const hurryEvents = `
  ${chosen(['RETRY'], FOR_UPDATE)},
  changed as (
    update durable_mail.event set due_at = ${NOW}
    from chosen where event.seq = chosen.seq
    returning event.subscription_id)
  ${SUMMARY} from changed`;

const finishEvents = `
  ${chosen(['PENDING', 'RETRY', 'DEAD', 'GONE', 'UNKNOWN'], FOR_UPDATE)},
  changed as (
    update durable_mail.event set
      state = 'DONE', due_at = null, settled_at = ${NOW}, last_error = null, reported_at = null
    from chosen
    where event.seq = chosen.seq
    returning event.subscription_id, event.message_id),
  ${lockedContents('changed')}
  ${SUMMARY}, array(select message_id from locked)::text[] as locked from changed`;

const forgetMails = `
  ${chosen(['DONE', 'DEAD', 'GONE', 'UNKNOWN'], '')},
  forgotten as materialized (
    select id from durable_mail.message
    where id in (select message_id from chosen)
      and (
        select 1 from durable_mail.event where message_id = message.id and settled_at is null limit 1) is null
    order by id for no key update),
  emptied as (
    update durable_mail.message set sender = null, subject = null
    from forgotten where message.id = forgotten.id),
  deleted as (
    delete from durable_mail.content using forgotten where content.message_id = forgotten.id)
  ${SUMMARY} from (select subscription_id from chosen where message_id in (select id from forgotten)) changed`;

export const replay = (connection: PostgresConnection, selection: Selection): Promise<Changed> =>
  change(connection, selection, replayEvents);

export const retryNow = (connection: PostgresConnection, selection: Selection): Promise<Changed> =>
  change(connection, selection, hurryEvents);

export const markDone = (connection: PostgresConnection, selection: Selection): Promise<Changed> =>
  change(connection, selection, finishEvents);

export const forget = (connection: PostgresConnection, selection: Selection): Promise<Changed> =>
  change(connection, selection, forgetMails);

interface ChunkSummary {
  readonly count: number;
  readonly unserved: number;
  readonly looked: number;
  readonly lastSeq: number | null;
  /** As texts: pg reads arrays of int8 as texts, whatever it makes of one. */
  readonly subscriptionIds: readonly string[];
  readonly locked?: readonly string[];
}

async function change(
  connection: PostgresConnection,
  selection: Selection,
  statement: string,
): Promise<Changed> {
  const filters = await filterParameters(connection, selection);
  const subscriptionIds = new Set<number>();
  let count = 0;
  let unserved = 0;
  let lastSeq = 0;
  for (;;) {
    const chunk = await connection.transaction(async (statements) => {
      const summary = (await statements.get<ChunkSummary>(statement, ...filters, lastSeq, CHUNK))!;
      await dropContents(statements, (summary.locked ?? []).map(Number));
      return summary;
    });
    count += chunk.count;
    unserved += chunk.unserved;
    chunk.subscriptionIds.forEach((id) => subscriptionIds.add(Number(id)));
    if (chunk.lastSeq === null || chunk.looked < CHUNK)
      return { count, unserved, subscriptionIds: [...subscriptionIds] };
    lastSeq = chunk.lastSeq;
  }
}
