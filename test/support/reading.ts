// How a trigger reads its mailbox where nobody has set anything.
import type { ImapReading } from '../../engine/imap/read/reading';

export const readingOf = (more: Partial<ImapReading> = {}): ImapReading => ({
  start: { kind: 'new' },
  skipWhileOff: false,
  mostStoredBytes: 50 * 1024 * 1024,
  filter: null,
  criteria: null,
  heartbeatMs: null,
  commandMs: 30_000,
  reconnectMs: null,
  ...more,
});
