// Which process reads a source, in the SQLite ledger: normally there is one, and another only while n8n is restarted.
// Invariant: the fence grows with every new holder; it alone decides whose hold counts.
import { AHEAD_MARGIN_MS } from '../common/clock';
import { noSourceFault, takenFault } from '../fault';
import type { SourceHold, SourceHolds } from '../source-holds';
import { NOW, type SqliteConnection } from './connection';
import type { Method, Part } from './part';

// ?5: a lease that was seen not to be renewed; 0: none was; null: it was not looked at. What a holder that died said last of
// how it reads is not so any more.
const holdFree = `
  update source set
    fence = iif(holder = ?2, fence, fence + 1), holder = ?2, held_until = ${NOW} + ?3,
    connection = iif(holder = ?2, connection, 'closed'), read_since = iif(holder = ?2, read_since, null),
    failing_since = iif(holder = ?2, failing_since, null), next_try_at = iif(holder = ?2, next_try_at, null)
  where id = ?1 and (holder is null or holder in (?2, ?4) or (held_until <= ${NOW} and ?5 is null)
    or (held_until = ?5 and (held_until <= ${NOW} or held_until > ${NOW} + ?3 + ${AHEAD_MARGIN_MS})))
  returning fence`;

const selectHolder = `select holder, held_until as until from source where id = ?`;

const ofHold = `source.id = hold.value ->> 'sourceId' and source.fence = hold.value ->> 'fence'`;

const renewHeld = `
  update source set held_until = ${NOW} + ?1
  from json_each(?2) hold where ${ofHold} and source.holder is not null
  returning id as sourceId, fence`;

const freeHeld = `
  update source set holder = null, held_until = null, released_at = ${NOW}
  from json_each(?) hold where ${ofHold} and source.holder is not null`;

const selectHeld = `select 1 as held from source where id = ? and fence = ?`;

const selectName = `select account, mailbox from source where id = ?`;

const holdSource: Method<'holdSource'> = (connection, request) => {
  const { sourceId, holder, leaseMs, replacing, unrenewed } = request;
  return connection.transaction(() => {
    const seen = unrenewed === undefined ? null : (unrenewed ?? 0);
    const held = connection.get<{ fence: number }>(
      holdFree,
      sourceId,
      holder,
      Math.round(leaseMs),
      replacing ?? null,
      seen,
    );
    if (held) return { hold: { sourceId, fence: held.fence } };
    const other = connection.get<{ holder: string; until: number }>(selectHolder, sourceId);
    if (!other) throw noSourceFault(sourceId);
    return { heldBy: other.holder, ...(seen !== null && { until: other.until }) };
  });
};

const renewHolds: Method<'renewHolds'> = (connection, holds, leaseMs) => {
  if (holds.length === 0) return [];
  const renewed = connection.all<SourceHold>(renewHeld, Math.round(leaseMs), JSON.stringify(holds));
  const fences = new Map(renewed.map(({ sourceId, fence }) => [sourceId, fence]));
  return holds.filter(({ sourceId, fence }) => fences.get(sourceId) === fence);
};

const releaseHolds: Method<'releaseHolds'> = (connection, holds) => {
  if (holds.length > 0) connection.run(freeHeld, JSON.stringify(holds));
};

export const isHeld = (connection: SqliteConnection, { sourceId, fence }: SourceHold): boolean =>
  connection.get(selectHeld, sourceId, fence) !== undefined;

/** Only in the transaction that then records. @throws LedgerFault `taken` */
export function assertHeld(connection: SqliteConnection, hold: SourceHold): void {
  if (isHeld(connection, hold)) return;
  const source = connection.get<{ account: string; mailbox: string }>(selectName, hold.sourceId);
  throw takenFault(source);
}

export const sourceHolds: Part<SourceHolds> = { holdSource, renewHolds, releaseHolds };
