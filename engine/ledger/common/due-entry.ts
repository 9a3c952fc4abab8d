// Entries that were taken, as both ledgers tell of them.
import type { Endpoint } from '../endpoints';
import type { DueEntry } from '../outbox';
import { endpointAmong } from './endpoint';
import { type EntryColumns, originOf, requestOf } from './entry';

/** One that may be taken. */
export interface Due {
  readonly seq: number;
  readonly lane: string;
  readonly state: 'QUEUED' | 'UNKNOWN';
}

/** One that was taken. */
export type Begun = Omit<EntryColumns, 'state'> &
  Pick<DueEntry, 'fence' | 'state' | 'refusals' | 'ageMs'> & {
    readonly packed: Uint8Array;
    readonly endpointId: number | null;
  };

/** @param endpoints that those taken with it tell, as far as they are there */
export const dueEntryOf = (row: Begun, endpoints: readonly Endpoint[]): DueEntry => ({
  id: row.id,
  fence: row.fence,
  key: row.key,
  kind: row.kind,
  lane: row.lane,
  state: row.state,
  request: requestOf(row.request),
  content: Buffer.from(row.packed.buffer, row.packed.byteOffset, row.packed.byteLength),
  recipient: row.recipient,
  subject: row.subject,
  messageId: row.messageId,
  origin: originOf(row),
  tries: row.tries,
  refusals: row.refusals,
  mayHaveArrived: Boolean(row.doubted),
  ageMs: row.ageMs,
  ...endpointAmong(row.endpointId, endpoints),
});
