// How a trigger reads its Gmail account where nobody has set anything.
import type { GmailFilter, GmailReading } from '../../engine/gmail/read/reading';
import type { GmailReadingData } from '../../engine/gmail/read/reading-data';

export const anyMail: GmailFilter = {
  labels: null,
  sender: null,
  search: null,
  readStatus: 'both',
  drafts: false,
  sent: false,
  scheduled: false,
  spamAndTrash: false,
};

export const gmailReading = ({
  filter,
  ...more
}: Partial<Omit<GmailReading, 'filter'>> & { filter?: Partial<GmailFilter> } = {}): GmailReading => ({
  start: { kind: 'new' },
  skipWhileOff: false,
  mostStoredBytes: 50 * 1024 * 1024,
  event: 'received',
  eventLabels: [],
  pollMs: 60_000,
  notifications: { kind: 'none' },
  ...more,
  filter: { ...anyMail, ...filter },
});

export const gmailReadingData = (more: Partial<GmailReadingData> = {}): GmailReadingData => ({
  v: 1,
  start: { kind: 'new' },
  skipBefore: null,
  mostStoredBytes: 50 * 1024 * 1024,
  event: 'received',
  eventLabels: [],
  pollMs: 60_000,
  notifications: { kind: 'none' },
  filter: { ...anyMail, sender: null },
  ...more,
});
