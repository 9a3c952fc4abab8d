// How a source is doing, for people, in the SQLite ledger.
// Invariant: only who holds the source says so.
import type { Sources } from '../sources';
import { NOW } from './connection';
import type { Method, Part } from './part';

const updateSource = `
  update source set
    state = ?1,
    connection = ?2,
    last_error = coalesce(?3, last_error),
    last_error_at = iif(?3 is null, last_error_at, ${NOW}),
    last_success_at = iif(?4, ${NOW}, last_success_at),
    read_since = case
      when ?2 = 'closed' then null when ?4 then coalesce(read_since, ${NOW}) when ?3 is null then read_since end,
    failing_since = case
      when ?2 = 'closed' or ?4 then null when ?3 is null then failing_since else coalesce(failing_since, ${NOW}) end,
    next_try_at = ${NOW} + ?13,
    backfill_read = iif(?5, ?6, backfill_read),
    backfill_left = iif(?5, ?7, backfill_left),
    recovered = coalesce(?8, recovered),
    recovered_at = iif(?8 is null, recovered_at, ${NOW}),
    notified_until = iif(?9, ?10, notified_until)
  where id = ?11 and fence = ?12`;

const reportSource: Method<'reportSource'> = (connection, hold, report) => {
  connection.run(
    updateSource,
    report.state,
    report.connection,
    report.error ?? null,
    report.synced ? 1 : 0,
    report.backfill === undefined ? 0 : 1,
    report.backfill?.read ?? null,
    report.backfill?.left ?? null,
    report.recovered ?? null,
    report.notifiedUntil === undefined ? 0 : 1,
    report.notifiedUntil ?? null,
    hold.sourceId,
    hold.fence,
    report.retryInMs === undefined ? null : Math.round(report.retryInMs),
  );
};

export const sources: Part<Sources> = { reportSource };
