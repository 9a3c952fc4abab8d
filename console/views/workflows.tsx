// Each trigger of a workflow: what waits, runs and fails. One that fails every time stands first and stands out.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { TriggerTold } from '../../engine/console/api';
import { triggers } from '../live/known';
import { onLive } from '../live/live';
import { Asking, Nothing, Wrong } from '../parts/held';
import { Icon, type IconName } from '../parts/icons';
import { Within, Workflow } from '../parts/links';
import { More, PIECE } from '../parts/more';
import { Ago } from '../parts/when';
import { count } from '../words/numbers';
import { timeOf } from '../words/time';
import type { State, Tone } from '../words/states';

const PACE_MS = 2_000;

export function Workflows(): JSX.Element {
  useEffect(() => {
    void triggers.load();
    return onLive({
      event: ({ type }) => {
        if (type.startsWith('email.')) triggers.soon(PACE_MS);
      },
      anew: (hasHoles) => triggers.anew(hasHoles),
    });
  }, []);
  const answer = triggers.data.value;
  const error = triggers.error.value;
  return (
    <>
      <h1>Workflows</h1>
      {error !== null && <Wrong text={error} again={() => void triggers.load()} />}
      {answer === null ? (
        error === null && <Asking />
      ) : answer.triggers.length === 0 ? (
        <Nothing>No trigger has ever listened. Publish a workflow that begins with one.</Nothing>
      ) : (
        <Table triggers={answer.triggers} />
      )}
    </>
  );
}

interface Verdict {
  readonly rank: number;
  readonly tone: Tone;
  readonly icon: IconName;
  readonly word: string;
}

/** In the order in which they need somebody. */
function verdictOf(trigger: TriggerTold): Verdict {
  const { doneLately, failedLately, dead, served, waiting } = trigger;
  const done = timeOf(trigger.lastDoneAt) ?? 0;
  const failed = timeOf(trigger.lastFailedAt) ?? 0;
  // What failed last failed every time since a run ended well.
  if (doneLately === 0 && failed > done && (failedLately > 0 || dead > 0))
    return { rank: 0, tone: 'bad', icon: 'bad', word: 'Fails every time' };
  if (!served && waiting > 0)
    return { rank: 1, tone: 'warn', icon: 'warn', word: 'Not listening, mails wait' };
  if (failedLately > 0) return { rank: 2, tone: 'warn', icon: 'warn', word: 'Fails at times' };
  if (!served) return { rank: 4, tone: 'quiet', icon: 'off', word: 'Not listening' };
  return { rank: 3, tone: 'good', icon: 'good', word: 'Well' };
}

function Table({ triggers }: { triggers: readonly TriggerTold[] }): JSX.Element {
  const sorted = triggers.toSorted((one, other) => verdictOf(one).rank - verdictOf(other).rank);
  const most = useSignal(PIECE);
  return (
    <>
      <div class="scrolls" tabIndex={0} role="region" aria-label="Triggers">
        <table class="triggers">
          <thead>
            <tr>
              <th scope="col">Trigger</th>
              <th scope="col">How it does</th>
              <th scope="col">Waiting</th>
              <th scope="col">Running</th>
              <th scope="col">Retrying</th>
              <th scope="col">Dead</th>
              <th scope="col">Unknown</th>
              <th scope="col">Done, last hour</th>
              <th scope="col">Failed, last hour</th>
            </tr>
          </thead>
          <tbody>
            {sorted.slice(0, most.value).map((trigger) => (
              <Trigger key={`${trigger.workflowId} ${trigger.nodeId}`} trigger={trigger} />
            ))}
          </tbody>
        </table>
      </div>
      <More left={sorted.length - most.value} show={() => (most.value += PIECE)} />
    </>
  );
}

function Trigger({ trigger }: { trigger: TriggerTold }): JSX.Element {
  const { tone, icon, word } = verdictOf(trigger);
  const number = (value: number, ...states: readonly State[]): JSX.Element => (
    <td class="number">
      {value > 0 && states.length > 0 ? (
        <Within view="mails" query={{ workflow: trigger.workflowId, state: states.join(',') }}>
          {count(value)}
        </Within>
      ) : (
        <span class={value > 0 ? '' : 'faint'}>{count(value)}</span>
      )}
    </td>
  );
  return (
    <tr class={`is-${tone}`} data-verdict={word}>
      <th scope="row">
        <bdi>{trigger.nodeName ?? trigger.nodeId}</bdi>
        <div class="faint">
          <Workflow id={trigger.workflowId} />
        </div>
      </th>
      <td class="verdict">
        <span class={`state is-${tone}`}>
          <Icon name={icon} />
          {word}
        </span>
        <div class="faint">
          Last done <Ago at={trigger.lastDoneAt} none="never" />
          {trigger.lastFailedAt !== null && (
            <>
              , failed <Ago at={trigger.lastFailedAt} />
            </>
          )}
          {trigger.oldestWaitingAt !== null && (
            <>
              {' · oldest waiting since '}
              <Ago at={trigger.oldestWaitingAt} />
            </>
          )}
        </div>
        {trigger.lastError !== null && tone !== 'good' && <q dir="auto">{trigger.lastError}</q>}
      </td>
      {number(trigger.waiting, 'PENDING', 'QUEUED')}
      {number(trigger.running, 'RUNNING')}
      {number(trigger.retrying, 'RETRY')}
      {number(trigger.dead, 'DEAD')}
      {number(trigger.unknown, 'UNKNOWN')}
      {number(trigger.doneLately)}
      {number(trigger.failedLately)}
    </tr>
  );
}
