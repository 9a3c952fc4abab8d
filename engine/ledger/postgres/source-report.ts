// How a source is doing, for people, in the Postgres ledger.
// Invariant: only who holds the source says so.
import type { Sources } from '../sources';
import { NOW } from './connection';
import type { Method, Part } from './part';

const updateSource = `
  update durable_mail.source set
    state = $2,
    connection = $3,
    last_error = coalesce($4, last_error),
    last_error_at = case when $4::text is null then last_error_at else ${NOW} end,
    last_success_at = case when $5 then ${NOW} else last_success_at end,
    read_since = case
      when $3 = 'closed' then null when $5 then coalesce(read_since, ${NOW}) when $4::text is null then read_since end,
    failing_since = case
      when $3 = 'closed' or $5 then null
      when $4::text is null then failing_since else coalesce(failing_since, ${NOW}) end,
    next_try_at = ${NOW} + $13::bigint,
    backfill_read = case when $6 then $7::bigint else backfill_read end,
    backfill_left = case when $6 then $8::bigint else backfill_left end,
    recovered = coalesce($9::bigint, recovered),
    recovered_at = case when $9::bigint is null then recovered_at else ${NOW} end,
    notified_until = case when $10 then $11::bigint else notified_until end
  where id = $1 and fence = $12`;

const reportSource: Method<'reportSource'> = async (connection, hold, report) => {
  await connection.run(
    updateSource,
    hold.sourceId,
    report.state,
    report.connection,
    report.error ?? null,
    report.synced ?? false,
    report.backfill !== undefined,
    report.backfill?.read ?? null,
    report.backfill?.left ?? null,
    report.recovered ?? null,
    report.notifiedUntil !== undefined,
    report.notifiedUntil ?? null,
    hold.fence,
    report.retryInMs === undefined ? null : Math.round(report.retryInMs),
  );
};

export const sources: Part<Sources> = { reportSource };
