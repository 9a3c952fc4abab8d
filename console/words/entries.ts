// The words for what is to go out and what did, and for what people may do about it.
// Invariants: a state is told by a word and an icon, never by its colour alone; what an act does is said before it is done; what
// nobody knows says so, and what to do.
import type { OutboxActName } from '../../engine/console/api';
import type { EntryState, EntryTold, OutboxCounts } from '../../engine/console/outbox-api';
import type { Word } from './states';

export const ENTRY_STATES: Readonly<Record<EntryState, Word>> = {
  QUEUED: { word: 'Queued', tone: 'quiet', means: 'It waits to be sent, perhaps for its next try.' },
  SENDING: { word: 'Sending', tone: 'busy', means: 'It is being sent.' },
  SENT: { word: 'Sent', tone: 'good', means: 'The receiver has taken it.' },
  FAILED: { word: 'Failed', tone: 'bad', means: 'Its tries are used up, or it was refused for good.' },
  UNKNOWN: { word: 'Unknown', tone: 'odd', means: 'Nobody knows whether the receiver has it.' },
  BOUNCED: { word: 'Bounced', tone: 'warn', means: 'It was taken, and came back.' },
  CANCELLED: { word: 'Cancelled', tone: 'quiet', means: 'Somebody did not want it any more.' },
};

export const ALL_ENTRY_STATES = Object.keys(ENTRY_STATES) as readonly EntryState[];

interface EntryAct {
  readonly label: string;
  /** Of what was done. */
  readonly done: string;
  readonly means: string;
  readonly isDanger?: true;
  readonly of: readonly EntryState[];
}

export const ENTRY_ACTS: Readonly<Record<OutboxActName, EntryAct>> = {
  retry: {
    label: 'Retry',
    done: 'queued again',
    means:
      'What waits is sent at once, what has ended goes out again, from its first try on. What is unknown or bounced may arrive twice.',
    of: ['QUEUED', 'FAILED', 'UNKNOWN', 'BOUNCED', 'CANCELLED'],
  },
  cancel: {
    label: 'Cancel',
    done: 'cancelled',
    means: 'It is not sent any more. A run that waits for it fails.',
    of: ['QUEUED', 'UNKNOWN', 'FAILED'],
  },
  markSent: {
    label: 'Mark as sent',
    done: 'marked as sent',
    means: 'It has arrived, as somebody has found out: it counts as sent, and is not sent again.',
    of: ['UNKNOWN'],
  },
  forget: {
    label: 'Forget content',
    done: 'forgotten',
    means:
      'What it says, and to whom, is deleted here. It cannot be sent again then, and this cannot be taken back.',
    isDanger: true,
    of: ['SENT', 'FAILED', 'UNKNOWN', 'BOUNCED', 'CANCELLED'],
  },
};

export const ENTRY_ACT_NAMES = Object.keys(ENTRY_ACTS) as readonly OutboxActName[];

export const countsByState = (counts: OutboxCounts): Readonly<Record<EntryState, number>> => ({
  QUEUED: counts.waiting + counts.delayed,
  SENDING: counts.active,
  SENT: counts.completed,
  FAILED: counts.failed,
  UNKNOWN: counts.unknown,
  BOUNCED: counts.bounced,
  CANCELLED: counts.cancelled,
});

/** Why nobody knows, and what to do. */
export function unknownSays({ kind, dueAt }: EntryTold): string {
  const why =
    'The connection broke after it was handed over and before the answer came, so nobody knows whether it arrived.';
  if (dueAt !== null) return `${why} It is looked for by itself; there is nothing to do yet.`;
  return kind === 'mail'
    ? `${why} Look in the mailbox of sent mail, or ask the recipient: if it is there, mark it as sent, else retry it.`
    : `${why} Look at the receiver: if it has it, mark it as sent, else retry it.`;
}
