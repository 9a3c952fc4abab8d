// What guarded steps answered, in the SQLite ledger: stored with the key that it finishes, and let go with its event.
// Invariant: an answer counts only for the finished key of the holder that stored it; one of a holder before is none.
import { endToEnd } from '../common/end-to-end';
import type { StepAnswer } from '../once-keys';
import type { SqliteConnection } from './connection';
import type { Method } from './part';

// Before the keys are finished: only of those that are held.
const insertAnswers = `
  insert into once_answer (key, holder, event_seq, packed)
  select once_key.key, ?2, event.seq, substr(?3, part.value ->> 'first', part.value ->> 'length')
  from json_each(?1) part
  cross join once_key
    on once_key.key = part.value ->> 'key' and once_key.holder = ?2 and once_key.lease_until is not null
  left join event on event.id = part.value ->> 'event'
  where part.value ->> 'event' is null or event.seq is not null and event.settled_at is null
  on conflict (key) do update set
    holder = excluded.holder, event_seq = excluded.event_seq, packed = excluded.packed`;

const selectAnswers = `
  select once_answer.key, packed
  from (
    select once_answer.key, sum(length(packed)) over (order by once_answer.key) - length(packed) as before
    from (select distinct value from json_each(?1)) asked
    cross join once_answer on once_answer.key = asked.value
    cross join once_key
      on once_key.key = once_answer.key and once_key.holder = once_answer.holder and once_key.lease_until is null
  ) chosen
  join once_answer on once_answer.key = chosen.key
  where chosen.before < ?2`;

const deleteOfEvents = `delete from once_answer where event_seq in (select value from json_each(?))`;

const deleteOfMessages = `
  delete from once_answer where event_seq in (
    select event.seq from json_each(?) forgotten cross join event on event.message_id = forgotten.value)`;

const deleteOfRun = `
  delete from once_answer
  where key in (select key from once_answer where holder = ?1 union select value from json_each(?2))
    and (event_seq is null
      or exists (select 1 from event where event.seq = once_answer.event_seq and event.state = 'DONE'))`;

/** Only in the transaction that finishes the keys, before it does. */
export function storeAnswers(
  connection: SqliteConnection,
  holder: string,
  answers: readonly StepAnswer[],
): void {
  if (answers.length === 0) return;
  const { bytes, firsts, lengths } = endToEnd(answers.map(({ packed }) => packed));
  const parts = answers.map(({ key, event }, i) => ({ key, event, first: firsts[i], length: lengths[i] }));
  connection.run(insertAnswers, JSON.stringify(parts), holder, bytes);
}

export const keyAnswers: Method<'keyAnswers'> = (connection, keys, mostBytes) => {
  const rows = connection.all<{ key: string; packed: Uint8Array }>(
    selectAnswers,
    JSON.stringify(keys),
    mostBytes,
  );
  return new Map(
    rows.map(({ key, packed }) => [key, Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)]),
  );
};

/** No run of these is tried again. @param seqs as JSON */
export const dropAnswersOfEvents = (connection: SqliteConnection, seqs: string): void =>
  void connection.run(deleteOfEvents, seqs);

/** @param messageIds as JSON */
export const dropAnswersOfMessages = (connection: SqliteConnection, messageIds: string): void =>
  void connection.run(deleteOfMessages, messageIds);

/** It ended well. */
export const dropAnswersOfRun = (
  connection: SqliteConnection,
  holder: string,
  given: readonly string[],
): void => void connection.run(deleteOfRun, holder, JSON.stringify(given));
