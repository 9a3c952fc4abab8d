// How a trigger reads its mailbox where nobody has set anything.
import type { ImapReading } from '../../engine/imap/read/reading';
import { compileImapReading, type ImapReadingData } from '../../engine/imap/read/reading-data';
import { compileRules, rulesFromJson, type SearchCriteria } from '../../engine/imap/rules/criteria';
import type { Reading } from '../../engine/ledger/subscriptions';

export const readingDataOf = (more: Partial<ImapReadingData> = {}): ImapReadingData => ({
  v: 1,
  mailboxes: { kind: 'names', names: ['INBOX'] },
  start: { kind: 'new' },
  skipBefore: null,
  mostStoredBytes: 50 * 1024 * 1024,
  filter: null,
  rules: null,
  heartbeatMs: null,
  commandMs: 30_000,
  reconnectMs: null,
  ...more,
});

export const readingOf = (more: Partial<ImapReading> = {}): ImapReading => ({
  ...compileImapReading(readingDataOf()),
  ...more,
});

/** As it comes back from the ledger. */
export const asStored = <T extends Reading>(reading: T): T => JSON.parse(JSON.stringify(reading)) as T;

/** Rules as somebody wrote them, stored, and compiled where they are used. @throws Error that says what is wrong */
export const parseCriteria = (json: string): SearchCriteria =>
  compileRules(JSON.parse(JSON.stringify(rulesFromJson(json))) as unknown[]);
