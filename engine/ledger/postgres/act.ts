// What people do to events of the Postgres ledger by hand.
// Invariant: an action goes through its events once, by `seq`, in chunks: each is one short transaction, and an event
// that is settled again meanwhile is not taken twice. What it did is noted, and told, in the transaction that did it.
import { doerOf, toldDeed } from '../common/deed';
import type { Acts, Changed, Selection } from '../inspection';
import type { Deed } from '../life';
import type { EventState } from '../states';
import { NOW, type PostgresConnection } from './connection';
import { dropContents, lockedContents } from './content';
import { cancelledErrands } from './errands';
import { FILTER, filterParameters } from './filter';
import { droppedAnswers } from './once-answers';
import type { Method, Part } from './part';
import { IS_SERVED } from './serving';

const CHUNK = 5_000;

/** The next chunk of a selection, locked. `$10`: the last `seq` of the one before. */
const chosen = (states: readonly EventState[], lock: string): string => `
  with chosen as materialized (
    select event.seq, event.subscription_id, event.message_id from durable_mail.event
    where ${FILTER} and event.state in (${states.map((state) => `'${state}'`).join(', ')}) and event.seq > $10
    order by event.seq limit $11 ${lock})`;

const FOR_UPDATE = 'for update of event';
/** What is noted with an event locks it so: before anything else is locked. */
const FOR_KEY_SHARE = 'for key share of event';

/** A part of a statement: what was done, and by whom, with the rows of another part. `$12`: what; `$13`: by whom. */
const noted = (rows: string): string => `
  noted as (
    insert into durable_mail.deed (event_seq, at, what, by_whom)
    select seq, ${NOW}, $12::text, $13::text from ${rows} order by seq)`;

// What was told of it says what it was. In another statement: only then it is there.
const tellDeeds = `
  update durable_mail.change set details = left(details, -1) || $1::text
  where xid = pg_current_xact_id() and type = 'email.updated'`;

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
    returning event.seq, event.id, event.subscription_id, event.message_id),
  ${noted('changed')},
  ${cancelledErrands('changed')},
  kept as (
    update durable_mail.content set drop_at = null
    from changed where content.message_id = changed.message_id and content.drop_at is not null)
  ${SUMMARY} from changed`;

const hurryEvents = `
  ${chosen(['RETRY'], FOR_UPDATE)},
  changed as (
    update durable_mail.event set due_at = ${NOW}
    from chosen where event.seq = chosen.seq
    returning event.seq, event.subscription_id),
  ${noted('changed')}
  ${SUMMARY} from changed`;

const finishEvents = `
  ${chosen(['PENDING', 'RETRY', 'DEAD', 'GONE', 'UNKNOWN'], FOR_UPDATE)},
  changed as (
    update durable_mail.event set
      state = 'DONE', due_at = null, settled_at = ${NOW}, last_error = null, reported_at = null
    from chosen
    where event.seq = chosen.seq
    returning event.seq, event.subscription_id, event.message_id),
  ${noted('changed')},
  ${droppedAnswers('changed')},
  ${lockedContents('changed')}
  ${SUMMARY}, array(select message_id from locked)::text[] as locked from changed`;

const forgetMails = `
  ${chosen(['DONE', 'DEAD', 'GONE', 'UNKNOWN'], FOR_KEY_SHARE)},
  forgotten as materialized (
    select id from durable_mail.message
    where id in (select message_id from chosen)
      and (
        select 1 from durable_mail.event where message_id = message.id and settled_at is null limit 1) is null
    order by id for no key update),
  deleted as (
    delete from durable_mail.content using forgotten where content.message_id = forgotten.id
    returning content.message_id),
  theirs as (
    select event.seq, event.message_id from forgotten join durable_mail.event on event.message_id = forgotten.id),
  emptied as (
    update durable_mail.message set sender = null, subject = null
    from forgotten
    where message.id = forgotten.id
      and (message.sender is not null or message.subject is not null
        or message.id in (select message_id from deleted)
        or message.id in (
          select message_id from theirs join durable_mail.once_answer on once_answer.event_seq = theirs.seq))
    returning message.id),
  ${droppedAnswers('theirs')},
  changed as (select seq, subscription_id from chosen where message_id in (select id from emptied)),
  ${noted('changed')}
  ${SUMMARY} from changed`;

const replay: Method<'replay'> = (connection, selection, by) =>
  change(connection, selection, 'replay', by, replayEvents);

const retryNow: Method<'retryNow'> = (connection, selection, by) =>
  change(connection, selection, 'retryNow', by, hurryEvents);

const markDone: Method<'markDone'> = (connection, selection, by) =>
  change(connection, selection, 'markDone', by, finishEvents);

const forget: Method<'forget'> = (connection, selection, by) =>
  change(connection, selection, 'forget', by, forgetMails);

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
  what: Deed['what'],
  by: string | undefined,
  statement: string,
): Promise<Changed> {
  const doer = doerOf(by);
  const filters = await filterParameters(connection, selection);
  const subscriptionIds = new Set<number>();
  let count = 0;
  let unserved = 0;
  let lastSeq = 0;
  for (;;) {
    const chunk = await connection.transaction(async (statements) => {
      const asked = [...filters, lastSeq, CHUNK, what, doer];
      const summary = (await statements.get<ChunkSummary>(statement, ...asked))!;
      if (summary.count > 0) await statements.run(tellDeeds, toldDeed(what, doer));
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

export const acts: Part<Acts> = { replay, retryNow, markDone, forget };
