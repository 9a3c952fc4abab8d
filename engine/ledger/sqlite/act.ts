// What people do by hand in the SQLite ledger. A selection by ids is one transaction; one by filter is a transaction
// for each window of events, so that other calls have their turn in between.
// Invariants: each action names the states that it leaves; what it did is noted, and told, in the transaction that did it.
import { askableIds } from '../askable';
import { doerOf, toldDeed } from '../common/deed';
import type { Acts, Changed, EventFilter, Selection } from '../inspection';
import type { Deed } from '../life';
import type { EventState } from '../states';
import { NOW, patiently, type SqliteConnection } from './connection';
import { cancelErrands } from './errands';
import { dropAnswersOfEvents, dropAnswersOfMessages } from './once-answers';
import type { Method, Part } from './part';
import { servedOf } from './serving';
import { releaseContent } from './settle';
import { condition, walkFor, windows } from './walk';

const SETTLED: readonly EventState[] = ['DONE', 'DEAD', 'GONE', 'UNKNOWN'];
const NOBODYS: readonly EventState[] = ['PENDING', 'RETRY', 'DEAD', 'GONE', 'UNKNOWN'];

interface Selected {
  readonly seq: number;
  readonly messageId: number;
  readonly subscriptionId: number;
}

const facts = 'event.seq, event.message_id as messageId, event.subscription_id as subscriptionId';

const selectByIds = `
  select ${facts} from event
  where id in (select value from json_each(?1)) and +state in (select value from json_each(?2))`;

const replayEvents = `
  update event set
    state = 'PENDING', failures = 0, due_at = ${NOW}, run_id = null, execution_id = null, last_error = null,
    settled_at = null, reported_at = null, unclaimed = 0
  where seq in (select value from json_each(?))`;

const keepContent = `
  update content set drop_at = null where message_id in (select value from json_each(?)) and drop_at is not null`;

const makeDue = `update event set due_at = ${NOW} where seq in (select value from json_each(?))`;

const markEvents = `
  update event set state = 'DONE', due_at = null, last_error = null, settled_at = ${NOW}, reported_at = null
  where seq in (select value from json_each(?))`;

const selectForgettable = `
  select message.id, exists (
    select 1 from event join once_answer on once_answer.event_seq = event.seq
    where event.message_id = message.id) as answered
  from json_each(?) asked join message on message.id = asked.value
  where not exists (select 1 from event where message_id = message.id and settled_at is null)
    and (answered or sender is not null or subject is not null
      or exists (select 1 from content where message_id = message.id))`;

const forgetContent = `delete from content where message_id in (select value from json_each(?))`;

const forgetFacts = `
  update message set sender = null, subject = null where id in (select value from json_each(?))`;

const selectNewest = `select max(id) as newest from change`;

const noteDeeds = `
  insert into deed (event_seq, at, what, by_whom) select value, ${NOW}, ?2, ?3 from json_each(?1)`;

// What was told of it says what it was.
const tellDeeds = `
  update change set details = substr(details, 1, length(details) - 1) || ?2 where id > ?1 and type = 'email.updated'`;

const replay: Method<'replay'> = (connection, selection, by) =>
  change(connection, selection, { what: 'replay', by: doerOf(by) }, SETTLED, (selected) => {
    connection.run(replayEvents, seqs(selected));
    connection.run(keepContent, messages(selected));
    cancelErrands(connection, seqs(selected));
    return selected;
  });

const retryNow: Method<'retryNow'> = (connection, selection, by) =>
  change(connection, selection, { what: 'retryNow', by: doerOf(by) }, ['RETRY'], (selected) => {
    connection.run(makeDue, seqs(selected));
    return selected;
  });

const markDone: Method<'markDone'> = (connection, selection, by) =>
  change(connection, selection, { what: 'markDone', by: doerOf(by) }, NOBODYS, (selected) => {
    connection.run(markEvents, seqs(selected));
    dropAnswersOfEvents(connection, seqs(selected));
    releaseContent(
      connection,
      selected.map(({ messageId }) => messageId),
    );
    return selected;
  });

const forget: Method<'forget'> = (connection, selection, by) =>
  change(connection, selection, { what: 'forget', by: doerOf(by) }, SETTLED, (selected) => {
    const rows = connection.all<{ id: number; answered: 0 | 1 }>(selectForgettable, messages(selected));
    const forgotten = new Set(rows.map(({ id }) => id));
    const ids = JSON.stringify([...forgotten]);
    connection.run(forgetContent, ids);
    connection.run(forgetFacts, ids);
    if (rows.some(({ answered }) => answered)) dropAnswersOfMessages(connection, ids);
    return selected.filter(({ messageId }) => forgotten.has(messageId));
  });

/** Selected events in these states, a batch at a time. @param act returns those that it changed */
async function change(
  connection: SqliteConnection,
  selection: Selection,
  deed: Pick<Deed, 'what' | 'by'>,
  states: readonly EventState[],
  act: (selected: readonly Selected[]) => readonly Selected[],
): Promise<Changed> {
  const counts = new Map<number, number>();
  for await (const select of batches(connection, selection, states)) {
    const changed = await patiently(() =>
      connection.transaction(() => {
        const selected = select();
        return selected.length > 0 ? noted(connection, deed, () => act(selected)) : [];
      }),
    );
    for (const { subscriptionId: id } of changed) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  const served = servedOf(connection, [...counts.keys()]);
  const sum = (of: (id: number) => boolean): number =>
    [...counts].reduce((all, [id, count]) => (of(id) ? all + count : all), 0);
  return {
    count: sum(() => true),
    unserved: sum((id) => !served.has(id)),
    subscriptionIds: [...counts.keys()],
  };
}

/** Only in the transaction that does it. @param act returns those that it changed */
function noted(
  connection: SqliteConnection,
  { what, by }: Pick<Deed, 'what' | 'by'>,
  act: () => readonly Selected[],
): readonly Selected[] {
  const { newest } = connection.get<{ newest: number }>(selectNewest)!;
  const changed = act();
  connection.run(noteDeeds, seqs(changed), what, by);
  connection.run(tellDeeds, newest, toldDeed(what, by));
  return changed;
}

async function* batches(
  connection: SqliteConnection,
  selection: Selection,
  states: readonly EventState[],
): AsyncGenerator<() => Selected[]> {
  if ('ids' in selection) {
    const [ids, within] = [askableIds(selection.ids), among(selection.states, states)].map((list) =>
      JSON.stringify(list),
    );
    yield () => connection.all<Selected>(selectByIds, ids!, within!);
    return;
  }
  const filter: EventFilter = {
    ...selection.filter,
    states: among(selection.filter.states, states),
  };
  const walk = walkFor(filter.states);
  const { sql, parameters } = condition(filter);
  const select = `select ${facts} from ${walk.from} ${sql}`;
  for await (const { low, high } of windows(connection, walk)) {
    yield () => connection.all<Selected>(select, low, high, ...parameters);
  }
}

const among = (
  asked: readonly EventState[] | undefined,
  states: readonly EventState[],
): readonly EventState[] => asked?.filter((state) => states.includes(state)) ?? states;

const seqs = (selected: readonly Selected[]): string => JSON.stringify(selected.map(({ seq }) => seq));

const messages = (selected: readonly Selected[]): string =>
  JSON.stringify([...new Set(selected.map(({ messageId }) => messageId))]);

export const acts: Part<Acts> = { replay, retryNow, markDone, forget };
