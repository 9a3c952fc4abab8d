// The life of a mail's event as moments in time: recorded, each try, what people did, what was done on the server, what
// workflows found out, and what is to come.
// Invariant: the oldest first; a moment whose time nobody noted stands where it must have been.
import type { MailAnswer } from '../../../engine/console/api';
import type { IconName } from '../../parts/icons';
import { timeOf } from '../../words/time';
import { ACTS, STATES, type Tone } from '../../words/states';

export interface Moment {
  readonly at: string | null;
  readonly tone: Tone;
  readonly icon: IconName;
  readonly what: string;
  /** The run that it is of. */
  readonly execution?: string | null;
  /** What somebody, a server or a model said. */
  readonly said?: string | null;
  readonly data?: unknown;
}

export function momentsOf({ mail, life }: MailAnswer): readonly Moment[] {
  const moments = [
    ...arrived(mail),
    ...life.tries.flatMap(tried),
    ...underWay(mail, life),
    ...life.deeds.map(done),
    ...life.actions.map(onServer),
    ...mail.annotations.map(noted),
  ];
  // A stable sort: what has no time, or the same, stays behind what it came after.
  let last = Number.NEGATIVE_INFINITY;
  const placed = moments.map((moment) => ({ moment, at: (last = timeOf(moment.at) ?? last) }));
  const past = placed.toSorted((one, other) => one.at - other.at).map(({ moment }) => moment);
  return [...past, ...toCome(mail)];
}

type Mail = MailAnswer['mail'];
type Life = MailAnswer['life'];

function arrived(mail: Mail): Moment[] {
  const received: Moment[] =
    mail.receivedAt === null
      ? []
      : [{ at: mail.receivedAt, tone: 'quiet', icon: 'server', what: 'Received by the mail server' }];
  return [...received, { at: mail.recordedAt, tone: 'good', icon: 'mail', what: 'Recorded' }];
}

function tried({ attempt, executionId, beganAt, endedAt, state, error }: Life['tries'][number]): Moment[] {
  const began: Moment[] =
    beganAt === null
      ? []
      : [
          {
            at: beganAt,
            tone: 'busy',
            icon: 'play',
            what: `Try ${attempt}: claimed by a run`,
            execution: executionId,
          },
        ];
  const hasFailed = error !== null || state === 'DEAD' || state === 'RETRY';
  return [
    ...began,
    {
      at: endedAt,
      tone: hasFailed ? (state === 'DEAD' ? 'bad' : 'warn') : STATES[state].tone,
      icon: hasFailed ? 'bad' : 'good',
      what: hasFailed
        ? `Try ${attempt}: failed${state === 'DEAD' ? ', and it was the last' : ''}`
        : `Try ${attempt}: ${STATES[state].word.toLowerCase()}`,
      said: error,
      execution: beganAt === null ? executionId : null,
    },
  ];
}

/** The run that has it now is no try yet. */
function underWay(mail: Mail, life: Life): Moment[] {
  if (mail.state !== 'RUNNING') return [];
  const isKnown = life.tries.some(({ attempt }) => attempt === mail.attempt);
  if (isKnown) return [];
  const what = `Try ${mail.attempt}: a run has it`;
  return [{ at: mail.beganAt, tone: 'busy', icon: 'play', what, execution: mail.executionId }];
}

const done = ({ at, what, by }: Life['deeds'][number]): Moment => ({
  at,
  tone: 'odd',
  icon: 'person',
  what: ACTS[what].label,
  said: by === null ? null : `by ${by}`,
});

const onServer = ({ kind, askedAt, endedAt, tries, error }: Life['actions'][number]): Moment => ({
  at: endedAt ?? askedAt,
  tone: error === null ? (endedAt === null ? 'busy' : 'good') : 'warn',
  icon: 'server',
  what:
    endedAt === null
      ? `On the mail server: ${kind} waits${tries > 0 ? `, tried ${tries} times` : ''}`
      : `On the mail server: ${kind} ${error === null ? 'done' : 'refused'}`,
  said: error,
});

const noted = ({ at, name, category, priority, summary, data }: Mail['annotations'][number]): Moment => ({
  at,
  tone: 'odd',
  icon: 'tag',
  what: [name, category, priority].filter(Boolean).join(' · '),
  said: summary,
  data,
});

function toCome(mail: Mail): Moment[] {
  if (mail.state === 'RETRY') return [{ at: mail.dueAt, tone: 'quiet', icon: 'pause', what: 'Next try' }];
  if (mail.state === 'QUEUED') return [{ at: null, tone: 'quiet', icon: 'busy', what: 'Offered to n8n' }];
  if (mail.state === 'PENDING') {
    const what = mail.served ? 'Waits for its run' : 'Waits for its trigger: publish its workflow';
    return [{ at: null, tone: 'quiet', icon: 'pause', what }];
  }
  return [];
}
