// Which process reads a source, in the SQLite ledger: normally there is one, and another only while n8n is restarted.
// Invariant: the fence grows with every new holder; it alone decides whose hold counts.
import { AHEAD_MARGIN_MS } from '../clock';
import { LedgerFault, takenFault } from '../fault';
import type { HoldAnswer, HoldRequest, SourceHold } from '../source-holds';
import { NOW, type SqliteConnection } from './connection';

// ?5: a lease that was seen not to be renewed; 0: none was; null: it was not looked at.
const holdFree = `
  update source set fence = iif(holder = ?2, fence, fence + 1), holder = ?2, held_until = ${NOW} + ?3
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
  update source set holder = null, held_until = null from json_each(?) hold where ${ofHold}`;

const selectHeld = `select 1 as held from source where id = ? and fence = ?`;

const selectName = `select account, mailbox from source where id = ?`;

export function holdSource(connection: SqliteConnection, request: HoldRequest): HoldAnswer {
  const { sourceId, holder, leaseMs, replacing, unrenewed } = request;
  return connection.transaction(() => {
    const seen = unrenewed === undefined ? null : (unrenewed ?? 0);
    const held = connection.get<{ fence: number }>(
      holdFree,
      sourceId,
      holder,
      leaseMs,
      replacing ?? null,
      seen,
    );
    if (held) return { hold: { sourceId, fence: held.fence } };
    const other = connection.get<{ holder: string; until: number }>(selectHolder, sourceId);
    if (!other) throw new LedgerFault('other', `The mail ledger ${connection.file} has no such source.`);
    return { heldBy: other.holder, ...(seen !== null && { until: other.until }) };
  });
}

export function renewHolds(
  connection: SqliteConnection,
  holds: readonly SourceHold[],
  leaseMs: number,
): SourceHold[] {
  if (holds.length === 0) return [];
  const renewed = connection.all<SourceHold>(renewHeld, leaseMs, JSON.stringify(holds));
  const fences = new Map(renewed.map(({ sourceId, fence }) => [sourceId, fence]));
  return holds.filter(({ sourceId, fence }) => fences.get(sourceId) === fence);
}

export function releaseHolds(connection: SqliteConnection, holds: readonly SourceHold[]): void {
  if (holds.length > 0) connection.run(freeHeld, JSON.stringify(holds));
}

export const isHeld = (connection: SqliteConnection, { sourceId, fence }: SourceHold): boolean =>
  connection.get(selectHeld, sourceId, fence) !== undefined;

/** Only in the transaction that then records. @throws LedgerFault `taken` */
export function assertHeld(connection: SqliteConnection, hold: SourceHold): void {
  if (isHeld(connection, hold)) return;
  const source = connection.get<{ account: string; mailbox: string }>(selectName, hold.sourceId);
  throw takenFault(source);
}
