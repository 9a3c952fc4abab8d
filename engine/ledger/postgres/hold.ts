// Which process reads a source, in Postgres: a lease, fenced by a number.
// Invariants: the fence grows with every new holder, and it alone decides whose hold counts; several sources are
// locked by id.
import { AHEAD_MARGIN_MS } from '../common/clock';
import { noSourceFault, type LedgerFault, takenFault } from '../fault';
import type { SourceHold, SourceHolds } from '../source-holds';
import { NOW, type Parameter, type PostgresConnection, type Statements } from './connection';
import type { Method, Part } from './part';

// $5: a lease that was seen not to be renewed; 0: none was; null: it was not looked at. What a holder that died said last of
// how it reads is not so any more.
const holdFree = `
  update durable_mail.source set
    fence = case when holder = $2 then fence else fence + 1 end, holder = $2, held_until = ${NOW} + $3,
    connection = case when holder = $2 then connection else 'closed' end,
    read_since = case when holder = $2 then read_since end,
    failing_since = case when holder = $2 then failing_since end,
    next_try_at = case when holder = $2 then next_try_at end
  where id = $1 and (holder is null or holder in ($2, $4) or (held_until <= ${NOW} and $5::bigint is null)
    or (held_until = $5 and (held_until <= ${NOW} or held_until > ${NOW} + $3 + ${AHEAD_MARGIN_MS})))
  returning fence`;

const selectHolder = `select holder, held_until as until from durable_mail.source where id = $1`;

const lockHeld = `
  select source.id as "sourceId", source.fence
  from unnest($1::bigint[], $2::bigint[]) hold (source_id, fence)
  join durable_mail.source on source.id = hold.source_id and source.fence = hold.fence
  where source.holder is not null
  order by source.id for no key update of source`;

const renew = `update durable_mail.source set held_until = ${NOW} + $2 where id = any($1)`;

const free = `
  update durable_mail.source set holder = null, held_until = null, released_at = ${NOW} where id = any($1)`;

const selectName = `select account, mailbox from durable_mail.source where id = $1`;

const holdSource: Method<'holdSource'> = (connection, request) => {
  const { sourceId, holder, leaseMs, replacing, unrenewed } = request;
  const seen = unrenewed === undefined ? null : (unrenewed ?? 0);
  return connection.transaction(async (statements) => {
    // Who releases it between the two statements is asked again.
    for (;;) {
      const held = await statements.get<{ fence: number }>(
        holdFree,
        sourceId,
        holder,
        Math.round(leaseMs),
        replacing ?? null,
        seen,
      );
      if (held) return { hold: { sourceId, fence: held.fence } };
      const other = await statements.get<{ holder: string | null; until: number }>(selectHolder, sourceId);
      if (!other) throw noSourceFault(sourceId);
      if (other.holder !== null)
        return { heldBy: other.holder, ...(seen !== null && { until: other.until }) };
    }
  });
};

const renewHolds: Method<'renewHolds'> = async (connection, holds, leaseMs) => {
  const renewed = await whileHeld(connection, holds, renew, Math.round(leaseMs));
  const fences = new Map(renewed.map(({ sourceId, fence }) => [sourceId, fence]));
  return holds.filter(({ sourceId, fence }) => fences.get(sourceId) === fence);
};

const releaseHolds: Method<'releaseHolds'> = async (connection, holds) => {
  await whileHeld(connection, holds, free);
};

/**
 * Locks, then changes, in two statements: a row that another one changed just before would be locked a second time
 * in one, behind whoever waits for it by now. @returns what is held
 */
async function whileHeld(
  connection: PostgresConnection,
  holds: readonly SourceHold[],
  change: string,
  ...parameters: Parameter[]
): Promise<readonly SourceHold[]> {
  if (holds.length === 0) return [];
  return connection.transaction(async (statements) => {
    const held = await statements.all<SourceHold>(
      lockHeld,
      holds.map(({ sourceId }) => sourceId),
      holds.map(({ fence }) => fence),
    );
    const ids = held.map(({ sourceId }) => sourceId);
    if (ids.length > 0) await statements.run(change, ids, ...parameters);
    return held;
  });
}

/** For a hold that was found to be lost. */
export async function lost(statements: Statements, hold: SourceHold): Promise<LedgerFault> {
  return takenFault(await statements.get<{ account: string; mailbox: string }>(selectName, hold.sourceId));
}

export const sourceHolds: Part<SourceHolds> = { holdSource, renewHolds, releaseHolds };
