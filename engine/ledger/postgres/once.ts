// Once-keys in Postgres. A row is held (holder and lease) or finished; a key without a row is free, and so is one
// whose holder vanished before it succeeded, or that has expired.
// Invariant: keys are locked in their order, so that two who ask for the same ones wait, and never deadlock.
import { AHEAD_MARGIN_MS } from '../common/clock';
import { COMES_BACK_MS, type KeyAnswer, type OnceKeys, type SeenKey } from '../once-keys';
import { NOW } from './connection';
import { DROP_ANSWERS_OF_RUN, finishWith, keyAnswers } from './once-answers';
import type { Method, Part } from './part';

/** @param longest a lease that can be; one that lies further ahead was stored under another clock */
const hasRunOut = (longest: string): string =>
  `(once_key.lease_until <= ${NOW} or once_key.lease_until > ${NOW} + ${longest}::bigint)`;

// A key held until its run ends `anyway` counts as finished from when its lease ran out.
const free = `
  coalesce(once_key.expires_at <= ${NOW}, false)
  or ${hasRunOut('$7')}
    and ($8::text[] is null or exists (
      select 1 from unnest($8::text[], $9::bigint[]) seen (key, until)
      where seen.key = once_key.key and seen.until = once_key.lease_until))
    and (once_key.finish = 'onSuccess' or coalesce(once_key.lease_until + once_key.keep_ms <= ${NOW}, false))`;

// What was answered under a holder before is nobody's.
const takeFree = `
  with taken as (
  insert into durable_mail.once_key
    (key, holder, lease_until, finish, keep_ms, finished_at, expires_at)
  select wanted.key, $2,
    case when $4 then null else ${NOW} + $3::bigint end,
    $5, $6::bigint,
    case when $4 then ${NOW} end,
    case when $4 then ${NOW} + $6::bigint end
  from unnest($1::text[]) wanted (key) order by wanted.key
  on conflict (key) do update set
    holder = excluded.holder,
    lease_until = excluded.lease_until,
    finish = excluded.finish,
    keep_ms = excluded.keep_ms,
    finished_at = excluded.finished_at,
    expires_at = excluded.expires_at
  where ${free}
  returning key),
  emptied as (delete from durable_mail.once_answer using taken where once_answer.key = taken.key)
  select key from taken`;

// Those that were not free are locked by the statement before: they are as it saw them.
const selectTaken = `
  select key, case
    when holder = $2 then 'mine'
    when lease_until is null then 'finished'
    when not ${hasRunOut('$3')} then 'held'
    when finish = 'onSuccess' then 'lapsed'
    else 'finished' end as answer
  from durable_mail.once_key where key = any($1)`;

const selectHeld = `
  select key, lease_until as until from durable_mail.once_key
  where key = any($1) and lease_until is not null`;

/** Its holder does not come back, if nobody was seen to renew it. */
export const IS_LEFT = `
  (once_key.lease_until <= ${NOW} - ${COMES_BACK_MS}
    and (once_key.finish = 'onSuccess' or coalesce(once_key.lease_until + once_key.keep_ms <= ${NOW}, false)))`;

const selectLeft = `select key, lease_until as until from durable_mail.once_key where ${IS_LEFT} limit $1`;

const lockHeld = `
  held as materialized (
    select key from durable_mail.once_key
    where holder = any($1) and lease_until is not null
    order by key for update)`;

const renewHeld = `
  with ${lockHeld}
  update durable_mail.once_key set lease_until = ${NOW} + $2
  from held where once_key.key = held.key`;

const endWell = `
  with ${lockHeld},
  finished as (
    update durable_mail.once_key set lease_until = null, finished_at = ${NOW}, expires_at = ${NOW} + keep_ms
    from held where once_key.key = held.key),
  ${DROP_ANSWERS_OF_RUN}`;

const finishNamed = `
  with named as materialized (
    select key from durable_mail.once_key
    where key = any($1) and holder = $2 and lease_until is not null
    order by key for update)
  update durable_mail.once_key set lease_until = null, finished_at = ${NOW}, expires_at = ${NOW} + keep_ms
  from named where once_key.key = named.key`;

const endFailed = `
  with ${lockHeld},
  freed as (
    delete from durable_mail.once_key using held
    where once_key.key = held.key and once_key.finish = 'onSuccess')
  update durable_mail.once_key set lease_until = null, finished_at = ${NOW}, expires_at = ${NOW} + keep_ms
  from held where once_key.key = held.key and once_key.finish = 'anyway'`;

const deleteTaken = `
  with taken as materialized (
    select key from durable_mail.once_key where key = any($1) and holder = $2 order by key for update)
  delete from durable_mail.once_key using taken where once_key.key = taken.key`;

const takeKeys: Method<'takeKeys'> = async (connection, request) => {
  const { keys, holder, leaseMs, finish, keepMs, unrenewed } = request;
  const longestMs = leaseMs + AHEAD_MARGIN_MS;
  if (keys.length === 0) return new Map();
  return connection.transaction(async (statements) => {
    const taken = await statements.all<{ key: string }>(
      takeFree,
      keys,
      holder,
      leaseMs,
      finish === 'atOnce',
      finish === 'atOnce' ? 'anyway' : finish,
      keepMs,
      longestMs,
      unrenewed?.map(({ key }) => key) ?? null,
      unrenewed?.map(({ until }) => until) ?? null,
    );
    const answers = new Map<string, KeyAnswer>(taken.map(({ key }) => [key, 'taken']));
    const others = keys.filter((key) => !answers.has(key));
    if (others.length > 0) {
      const rows = await statements.all<{ key: string; answer: KeyAnswer }>(
        selectTaken,
        others,
        holder,
        longestMs,
      );
      for (const { key, answer } of rows) answers.set(key, answer);
    }
    return new Map(keys.map((key) => [key, answers.get(key)!]));
  });
};

const heldKeys: Method<'heldKeys'> = async (connection, keys) => {
  return keys.length > 0 ? connection.all<SeenKey>(selectHeld, keys) : [];
};

const leftKeys: Method<'leftKeys'> = (connection, limit) => connection.all<SeenKey>(selectLeft, limit);

const renewKeys: Method<'renewKeys'> = async (connection, holders, leaseMs) => {
  if (holders.length > 0) await connection.run(renewHeld, holders, leaseMs);
};

const finishKeys: Method<'finishKeys'> = async (connection, holder, keys, answers = []) => {
  if (keys.length === 0) return;
  if (answers.length === 0) await connection.run(finishNamed, keys, holder);
  else await connection.transaction((statements) => finishWith(statements, holder, keys, answers));
};

const endKeys: Method<'endKeys'> = async (connection, holder, ended, given = []) => {
  if (ended === 'success') await connection.run(endWell, [holder], given);
  else await connection.run(endFailed, [holder]);
};

const returnKeys: Method<'returnKeys'> = async (connection, holder, keys) => {
  if (keys.length > 0) await connection.run(deleteTaken, keys, holder);
};

export const onceKeys: Part<OnceKeys> = {
  takeKeys,
  heldKeys,
  leftKeys,
  renewKeys,
  finishKeys,
  keyAnswers,
  endKeys,
  returnKeys,
};
