// Once keys in the SQLite ledger.
// Invariant: `expires_at` says when a row means nothing any more, held or finished: a key is free if it has no row,
// or one that expired. A key that is freed when its lease runs out (`onSuccess`) expires with it; one that is
// finished then (`anyway`) is kept for its time from there on.
import type { KeyAnswer, KeyRequest } from '../once-keys';
import { NOW, type SqliteConnection } from './connection';

const takeFree = `
  insert into once_key (key, holder, finish, keep_ms, lease_until, finished_at, expires_at)
  select value, ?2, iif(?3 = 'onSuccess', 'onSuccess', 'anyway'), ?4,
    iif(?3 = 'atOnce', null, ${NOW} + ?5),
    iif(?3 = 'atOnce', ${NOW}, null),
    case ?3 when 'atOnce' then ${NOW} + ?4 when 'anyway' then ${NOW} + ?5 + ?4 else ${NOW} + ?5 end
  from json_each(?1) where true
  on conflict (key) do update set
    holder = excluded.holder, finish = excluded.finish, keep_ms = excluded.keep_ms,
    lease_until = excluded.lease_until, finished_at = excluded.finished_at, expires_at = excluded.expires_at
  where once_key.expires_at <= ${NOW}
  returning key`;

const selectHolders = `
  select key, holder, lease_until > ${NOW} as held from once_key where key in (select value from json_each(?))`;

const renewHeld = `
  update once_key set
    lease_until = ${NOW} + ?1,
    expires_at = ${NOW} + ?1 + iif(finish = 'anyway', keep_ms, 0)
  where holder in (select value from json_each(?2)) and lease_until is not null`;

const finishHeld = `
  update once_key set lease_until = null, finished_at = ${NOW}, expires_at = ${NOW} + keep_ms
  where holder = ?1 and lease_until is not null and (?2 = 'success' or finish = 'anyway')`;

const finishNamed = `
  update once_key set lease_until = null, finished_at = ${NOW}, expires_at = ${NOW} + keep_ms
  where key in (select value from json_each(?1)) and holder = ?2 and lease_until is not null`;

const freeHeld = `delete from once_key where holder = ? and lease_until is not null`;

const deleteKeys = `delete from once_key where key in (select value from json_each(?1)) and holder = ?2`;

export function takeKeys(connection: SqliteConnection, request: KeyRequest): Map<string, KeyAnswer> {
  const { holder, finish, keepMs, leaseMs } = request;
  const keys = JSON.stringify(request.keys);
  return connection.transaction(() => {
    const free = connection.all<{ key: string }>(takeFree, keys, holder, finish, keepMs, leaseMs);
    const taken = new Set(free.map(({ key }) => key));
    const rows = connection.all<{ key: string; holder: string; held: number | null }>(selectHolders, keys);
    return new Map(
      rows.map((row): [string, KeyAnswer] => {
        if (taken.has(row.key)) return [row.key, 'taken'];
        if (row.holder === holder) return [row.key, 'mine'];
        return [row.key, row.held === 1 ? 'held' : 'finished'];
      }),
    );
  });
}

export function renewKeys(connection: SqliteConnection, holders: readonly string[], leaseMs: number): void {
  connection.run(renewHeld, leaseMs, JSON.stringify(holders));
}

export function finishKeys(connection: SqliteConnection, holder: string, keys: readonly string[]): void {
  connection.run(finishNamed, JSON.stringify(keys), holder);
}

export function endKeys(connection: SqliteConnection, holder: string, ended: 'success' | 'failure'): void {
  connection.transaction(() => {
    connection.run(finishHeld, holder, ended);
    connection.run(freeHeld, holder);
  });
}

export function returnKeys(connection: SqliteConnection, holder: string, keys: readonly string[]): void {
  connection.run(deleteKeys, JSON.stringify(keys), holder);
}
