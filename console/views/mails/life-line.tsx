// The life of a mail drawn as a line, from its arrival down to what is to come.
import type { JSX } from 'preact';
import type { MailAnswer } from '../../../engine/console/api';
import { Icon } from '../../parts/icons';
import { Execution } from '../../parts/links';
import { At } from '../../parts/when';
import { timeOf, span } from '../../words/time';
import { momentsOf, type Moment } from './life';

/** What is nearer than this to the one before it needs no word of how long it took. */
const WORTH_TELLING_MS = 2_000;

export function LifeLine({ answer }: { answer: MailAnswer }): JSX.Element {
  const moments = momentsOf(answer);
  return (
    <ol class="life">
      {moments.map((moment, at) => (
        <li key={at} class={`is-${moment.tone}`}>
          <Icon name={moment.icon} />
          <div>
            <div class="life-what">
              <strong dir="auto">{moment.what}</strong>
              <span class="faint">
                <At at={moment.at} none="" /> {later(moments[at - 1], moment)}
              </span>
            </div>
            {moment.execution && <Execution workflow={answer.mail.workflowId} id={moment.execution} />}
            {moment.said && (
              <p class="said" dir="auto">
                {moment.said}
              </p>
            )}
            {moment.data !== undefined && moment.data !== null && (
              <details>
                <summary>Data</summary>
                <pre tabIndex={0} dir="auto">
                  {JSON.stringify(moment.data, null, 2)}
                </pre>
              </details>
            )}
          </div>
        </li>
      ))}
    </ol>
  );
}

function later(before: Moment | undefined, moment: Moment): string {
  const from = timeOf(before?.at);
  const to = timeOf(moment.at);
  return from !== null && to !== null && to - from >= WORTH_TELLING_MS ? `${span(to - from)} later` : '';
}
