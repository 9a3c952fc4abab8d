// The states of events, sources and connections (docs/architecture.md tells how each is left).

export type EventState = 'PENDING' | 'QUEUED' | 'RUNNING' | 'RETRY' | 'DONE' | 'DEAD' | 'GONE' | 'UNKNOWN';

export type SourceState =
  'pending' | 'syncing' | 'idle' | 'gap_checking' | 'gap_syncing' | 'error' | 'retry_scheduled';

export type ConnectionState = 'connecting' | 'idling' | 'polling' | 'backing_off' | 'closed';

/** Mails that were there before the subscription began: how many were read, and how many are left, about. */
export interface Backfill {
  readonly read: number;
  readonly left: number;
}
