// What guarded steps answered, in the Postgres ledger: stored with the key that it finishes, and let go with its event.
// Invariants: an answer counts only for the finished key of the holder that stored it; one of a holder before is none. Events
// are locked by `seq` before what stands with them.
import { endToEnd } from '../common/end-to-end';
import type { StepAnswer } from '../once-keys';
import { NOW, type Statements } from './connection';
import type { Method } from './part';

// Whoever settles one waits, and lets go of what was stored; what has ended gets nothing.
const lockEvents = `
  select seq, id from durable_mail.event
  where id = any($1) and settled_at is null order by seq for key share`;

const finishWithAnswers = `
  with named as materialized (
    select key from durable_mail.once_key
    where key = any($1) and holder = $2 and lease_until is not null
    order by key for update),
  finished as (
    update durable_mail.once_key set lease_until = null, finished_at = ${NOW}, expires_at = ${NOW} + keep_ms
    from named where once_key.key = named.key
    returning once_key.key)
  insert into durable_mail.once_answer (key, holder, event_seq, packed)
  select finished.key, $2, part.event_seq, substring($3::bytea from part.first for part.length)
  from unnest($4::text[], $5::bigint[], $6::int[], $7::int[]) part (key, event_seq, first, length)
  join finished on finished.key = part.key
  order by finished.key
  on conflict (key) do update set
    holder = excluded.holder, event_seq = excluded.event_seq, packed = excluded.packed`;

const selectAnswers = `
  with chosen as (
    select once_answer.key,
      sum(octet_length(packed)) over (order by once_answer.key) - octet_length(packed) as before
    from durable_mail.once_answer
    join durable_mail.once_key on once_key.key = once_answer.key
      and once_key.holder = once_answer.holder and once_key.lease_until is null
    where once_answer.key = any($1))
  select once_answer.key, packed
  from chosen join durable_mail.once_answer on once_answer.key = chosen.key
  where chosen.before < $2::bigint`;

/** A part of a statement: answers go with the events of another part, that has their `seq`. */
export const droppedAnswers = (events: string): string => `
  answered as (
    delete from durable_mail.once_answer using ${events} where once_answer.event_seq = ${events}.seq)`;

/** Parts of a statement, for its last: of a run that ended well. `$1`: holders; `$2`: keys whose answers it was given. */
export const DROP_ANSWERS_OF_RUN = `
  ended as materialized (
    select once_answer.key from durable_mail.once_answer
    where (holder = any($1) or key = any($2))
      and (event_seq is null
        or exists (select 1 from durable_mail.event where event.seq = event_seq and event.state = 'DONE'))
    order by key for update)
  delete from durable_mail.once_answer using ended where once_answer.key = ended.key`;

/** Finishes the keys, and stores what was answered with those that the holder holds. */
export async function finishWith(
  statements: Statements,
  holder: string,
  keys: readonly string[],
  answers: readonly StepAnswer[],
): Promise<void> {
  const events = [...new Set(answers.flatMap(({ event }) => event ?? []))];
  const found =
    events.length > 0 ? await statements.all<{ seq: number; id: string }>(lockEvents, events) : [];
  const seqs = new Map(found.map(({ seq, id }) => [id, seq]));
  const kept = answers.filter(({ event }) => event === null || seqs.has(event));
  const { bytes, firsts, lengths } = endToEnd(kept.map(({ packed }) => packed));
  await statements.run(
    finishWithAnswers,
    keys,
    holder,
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    kept.map(({ key }) => key),
    kept.map(({ event }) => (event === null ? null : seqs.get(event)!)),
    firsts,
    lengths,
  );
}

export const keyAnswers: Method<'keyAnswers'> = async (connection, keys, mostBytes) => {
  if (keys.length === 0) return new Map();
  const rows = await connection.all<{ key: string; packed: Buffer }>(selectAnswers, keys, mostBytes);
  return new Map(rows.map(({ key, packed }) => [key, packed]));
};
