// A page of the ledger's changes in the feed's words, each with its frame, made once for all who are told.
// Invariants: sender and subject are looked up with one call a page, and only where they are shown; a time that nobody can
// write is left out, and holds up nothing.
import type { Change } from '../ledger/changes';
import type { FeedEvent } from './feed-event';
import { eventFrame } from './frames';

/** What people may be shown of an event's mail. */
interface ShownMail {
  readonly event: string;
  readonly sender: string | null;
  readonly subject: string | null;
}

/** Those of these events that are there; of a mail that was forgotten, or has none, both are null. */
export type MailsOf = (events: readonly string[]) => Promise<readonly ShownMail[]>;

export interface Worded {
  readonly event: FeedEvent;
  readonly frame: string;
}

/** In `details`: ms since 1970, or null. */
const TIMES: ReadonlySet<string> = new Set(['dueAt', 'notifiedUntil']);

/** @param mailsOf null: sender and subject are not shown */
export async function worded(changes: readonly Change[], mailsOf: MailsOf | null): Promise<Worded[]> {
  const mails = mailsOf ? await shown(changes, mailsOf) : null;
  return changes.map((change) => {
    const event = eventOf(change, mails?.get(change.event ?? ''));
    return { event, frame: eventFrame(event) };
  });
}

const eventOf = (change: Change, mail?: ShownMail): FeedEvent => ({
  v: 1,
  id: change.position,
  type: change.type,
  time: isoTime(change.at) ?? new Date(0).toISOString(),
  source: change.sourceId,
  workflow: change.workflowId,
  event: change.event,
  data: {
    ...Object.fromEntries(
      Object.entries(change.details).map(([name, value]) => [name, TIMES.has(name) ? isoTime(value) : value]),
    ),
    ...(mail && mailData(mail)),
  },
});

async function shown(
  changes: readonly Change[],
  mailsOf: MailsOf,
): Promise<ReadonlyMap<string, ShownMail> | null> {
  const events = new Set(changes.flatMap(({ event }) => event ?? []));
  if (events.size === 0) return null;
  return new Map((await mailsOf([...events])).map((mail) => [mail.event, mail]));
}

const mailData = ({ sender, subject }: ShownMail): Record<string, string> => ({
  ...(sender !== null && { sender }),
  ...(subject !== null && { subject }),
});

function isoTime(ms: unknown): string | null {
  const time = typeof ms === 'number' ? new Date(ms) : null;
  return time && !Number.isNaN(time.getTime()) ? time.toISOString() : null;
}
