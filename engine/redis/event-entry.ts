// What an entry of the stream of events holds, and how long the stream keeps it.
// Invariants: `type`, `position` and `time` are in every entry; never a body, nor sender or subject.
import type { FeedEvent, FeedReset } from '../feed/feed-event';

export const ENTRY_FIELDS = ['type', 'position', 'v', 'time', 'source', 'workflow', 'event', 'data'] as const;
const ALWAYS: readonly EntryField[] = ['type', 'position', 'time'];
export type EntryField = (typeof ENTRY_FIELDS)[number];

export interface EventStreamSettings {
  /** After the ledger's own prefix. */
  readonly name: string;
  /** Besides `type`, `position` and `time`. */
  readonly fields: readonly EntryField[];
  /** About so many entries are kept, at least (MAXLEN ~). */
  readonly most: number;
  /** Older ones are let go, ms; null: only by their number. */
  readonly keepMs: number | null;
}

export const EVENT_STREAM: EventStreamSettings = {
  ...{ name: 'events', fields: ENTRY_FIELDS, most: 100_000, keepMs: null },
};

/** Field, value, field, value: what is null is left out. */
export function entryOf(event: FeedEvent | FeedReset, fields: readonly EntryField[]): string[] {
  const all: Readonly<Record<EntryField, string | null>> = {
    type: event.type,
    position: event.id,
    v: String(event.v),
    time: event.time,
    ...('data' in event
      ? {
          source: event.source === null ? null : String(event.source),
          workflow: event.workflow,
          event: event.event,
          data: JSON.stringify(event.data),
        }
      : { source: null, workflow: null, event: null, data: null }),
  };
  return ENTRY_FIELDS.flatMap((name) => {
    const isTold = ALWAYS.includes(name) || fields.includes(name);
    const value = all[name];
    return isTold && value !== null ? [name, value] : [];
  });
}
