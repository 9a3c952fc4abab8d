// The words for the states of events and for what people may do about them.
// Invariants: a state is told by a word and an icon, never by its colour alone; what an act does is said before it is done.
import type { ActName, JobTold, MailTold } from '../../engine/console/api';

export type State = MailTold['state'];

/** How it looks: each has a colour and an icon. */
export type Tone = 'good' | 'busy' | 'quiet' | 'warn' | 'bad' | 'odd';

export interface Word {
  readonly word: string;
  readonly tone: Tone;
  readonly means: string;
}

export const STATES: Readonly<Record<State, Word>> = {
  PENDING: { word: 'Waiting', tone: 'quiet', means: 'Recorded; its run has not begun.' },
  QUEUED: { word: 'Starting', tone: 'busy', means: 'Handed to n8n; its run has not begun.' },
  RUNNING: { word: 'Running', tone: 'busy', means: 'A run has it.' },
  RETRY: { word: 'Retry', tone: 'warn', means: 'Its run failed; it is tried again.' },
  DONE: { word: 'Done', tone: 'good', means: 'Its run ended well.' },
  DEAD: { word: 'Dead', tone: 'bad', means: 'Its tries are used up; it waits for somebody to look.' },
  GONE: { word: 'Gone', tone: 'odd', means: 'The mail was deleted before it could be read.' },
  UNKNOWN: { word: 'Unknown', tone: 'odd', means: 'Nobody knows how its run ended.' },
};

export const ALL_STATES = Object.keys(STATES) as readonly State[];

interface Act {
  readonly label: string;
  /** Of what was done. */
  readonly done: string;
  readonly means: string;
  readonly isDanger?: true;
  readonly of: readonly State[];
}

export const ACTS: Readonly<Record<ActName, Act>> = {
  replay: {
    label: 'Replay',
    done: 'replayed',
    means: 'What has ended runs again, with all its tries. Its steps are done once more.',
    of: ['DONE', 'DEAD', 'GONE', 'UNKNOWN'],
  },
  retryNow: {
    label: 'Retry now',
    done: 'made due',
    means: 'What is waiting for its next try is tried at once.',
    of: ['RETRY'],
  },
  markDone: {
    label: 'Mark done',
    done: 'marked done',
    means: 'What nobody is running counts as done, without a run.',
    of: ['PENDING', 'RETRY', 'DEAD', 'GONE', 'UNKNOWN'],
  },
  forget: {
    label: 'Forget content',
    done: 'forgotten',
    means:
      'Content, sender and subject of mails that have ended are deleted here. This cannot be taken back.',
    isDanger: true,
    of: ['DONE', 'DEAD', 'GONE', 'UNKNOWN'],
  },
};

export const ACT_NAMES = Object.keys(ACTS) as readonly ActName[];

export const JOBS: Readonly<Record<JobTold['state'] | 'cut', string>> = {
  running: 'under way',
  done: 'done',
  stopped: 'stopped',
  failed: 'failed',
  cut: 'cut off',
};
