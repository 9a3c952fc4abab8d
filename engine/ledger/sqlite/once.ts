// Once keys in the SQLite ledger. A row is held (holder and lease) or finished; a key without a row is free, and so is
// one whose holder vanished before it succeeded, or that has expired.
// Invariant: what a row means is what it means in Postgres, column by column (once-keys.ts).
import { AHEAD_MARGIN_MS } from '../common/clock';
import { COMES_BACK_MS, type KeyAnswer, type OnceKeys, type SeenKey } from '../once-keys';
import { limitOf, NOW } from './connection';
import { dropAnswersOfRun, keyAnswers, storeAnswers } from './once-answers';
import type { Method, Part } from './part';

/** @param longest a lease that can be; one that lies further ahead was stored under another clock */
const hasRunOut = (longest: string): string =>
  `(once_key.lease_until <= ${NOW} or once_key.lease_until > ${NOW} + ${longest})`;

// A key held until its run ends `anyway` counts as finished from when its lease ran out.
const free = `
  once_key.expires_at <= ${NOW}
  or ${hasRunOut('?6')}
    and (?7 is null or exists (
      select 1 from json_each(?7) look
      where look.value ->> 'key' = once_key.key and look.value ->> 'until' = once_key.lease_until))
    and (once_key.finish = 'onSuccess' or once_key.lease_until + once_key.keep_ms <= ${NOW})`;

const takeFree = `
  insert into once_key (key, holder, finish, keep_ms, lease_until, finished_at, expires_at)
  select value, ?2, iif(?3 = 'onSuccess', 'onSuccess', 'anyway'), ?4,
    iif(?3 = 'atOnce', null, ${NOW} + ?5),
    iif(?3 = 'atOnce', ${NOW}, null),
    iif(?3 = 'atOnce', ${NOW} + ?4, null)
  from json_each(?1) where true
  on conflict (key) do update set
    holder = excluded.holder, finish = excluded.finish, keep_ms = excluded.keep_ms,
    lease_until = excluded.lease_until, finished_at = excluded.finished_at, expires_at = excluded.expires_at
  where ${free}
  returning key`;

const selectHolders = `
  select key, holder, case
    when lease_until is null then 'finished'
    when not ${hasRunOut('?2')} then 'held'
    when finish = 'onSuccess' then 'lapsed'
    else 'finished' end as answer
  from once_key where key in (select value from json_each(?1))`;

const selectHeld = `
  select key, lease_until as until from once_key
  where key in (select value from json_each(?)) and lease_until is not null`;

/** Its holder does not come back, if nobody was seen to renew it. */
export const IS_LEFT = `
  (once_key.lease_until <= ${NOW} - ${COMES_BACK_MS}
    and (once_key.finish = 'onSuccess' or once_key.lease_until + once_key.keep_ms <= ${NOW}))`;

const selectLeft = `select key, lease_until as until from once_key where ${IS_LEFT} ${limitOf('?')}`;

const renewHeld = `
  update once_key set lease_until = ${NOW} + ?1
  where holder in (select value from json_each(?2)) and lease_until is not null`;

const finishHeld = `
  update once_key set lease_until = null, finished_at = ${NOW}, expires_at = ${NOW} + keep_ms
  where holder = ?1 and lease_until is not null and (?2 = 'success' or finish = 'anyway')`;

const finishNamed = `
  update once_key set lease_until = null, finished_at = ${NOW}, expires_at = ${NOW} + keep_ms
  where key in (select value from json_each(?1)) and holder = ?2 and lease_until is not null`;

const freeHeld = `delete from once_key where holder = ? and lease_until is not null`;

const deleteKeys = `delete from once_key where key in (select value from json_each(?1)) and holder = ?2`;

const takeKeys: Method<'takeKeys'> = (connection, request) => {
  const { holder, finish, keepMs, leaseMs, unrenewed } = request;
  const keys = JSON.stringify(request.keys);
  const longestMs = leaseMs + AHEAD_MARGIN_MS;
  const seen = unrenewed ? JSON.stringify(unrenewed) : null;
  return connection.transaction(() => {
    const free = connection.all<{ key: string }>(
      takeFree,
      keys,
      holder,
      finish,
      keepMs,
      leaseMs,
      longestMs,
      seen,
    );
    const taken = new Set(free.map(({ key }) => key));
    const rows = connection.all<{ key: string; holder: string; answer: KeyAnswer }>(
      selectHolders,
      keys,
      longestMs,
    );
    return new Map(
      rows.map((row): [string, KeyAnswer] => {
        if (taken.has(row.key)) return [row.key, 'taken'];
        if (row.holder === holder) return [row.key, 'mine'];
        return [row.key, row.answer];
      }),
    );
  });
};

const heldKeys: Method<'heldKeys'> = (connection, keys) =>
  connection.all<SeenKey>(selectHeld, JSON.stringify(keys));

const leftKeys: Method<'leftKeys'> = (connection, limit) => connection.all<SeenKey>(selectLeft, limit);

const renewKeys: Method<'renewKeys'> = (connection, holders, leaseMs) => {
  connection.run(renewHeld, leaseMs, JSON.stringify(holders));
};

const finishKeys: Method<'finishKeys'> = (connection, holder, keys, answers = []) => {
  connection.transaction(() => {
    storeAnswers(connection, holder, answers);
    connection.run(finishNamed, JSON.stringify(keys), holder);
  });
};

const endKeys: Method<'endKeys'> = (connection, holder, ended, given = []) => {
  connection.transaction(() => {
    connection.run(finishHeld, holder, ended);
    connection.run(freeHeld, holder);
    if (ended === 'success') dropAnswersOfRun(connection, holder, given);
  });
};

const returnKeys: Method<'returnKeys'> = (connection, holder, keys) => {
  connection.run(deleteKeys, JSON.stringify(keys), holder);
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
