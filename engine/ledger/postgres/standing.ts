// The counts of events by state in the Postgres ledger (standing-migration.ts), put together.
// Invariant: nobody is waited for: what a process is counting now is left to it.
import type { PostgresConnection } from './connection';

const putTogether = `
  with parts as materialized (
    select ctid as place from durable_mail.standing where backend <> 0
    order by subscription_id, state, backend limit $1 for update skip locked),
  gone as (
    delete from durable_mail.standing where ctid = any(array(select place from parts))
    returning subscription_id, state, n),
  added as (
    insert into durable_mail.standing (subscription_id, state, backend, n)
    select subscription_id, state, 0, sum(n) from gone group by subscription_id, state order by 1, 2
    on conflict (subscription_id, state, backend) do update set n = standing.n + excluded.n)
  select count(*) as n from gone`;

/** @returns how many it put together */
export const sweepStanding = async (connection: PostgresConnection, limit: number): Promise<number> =>
  (await connection.get<{ n: number }>(putTogether, limit))!.n;
