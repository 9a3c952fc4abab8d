// One mail in the list: its state, what it is, where it came from, and what workflows found out about it.
// Invariants: all that a mail, a server or a model says is text, and turns no other text around, whatever its direction; a row is drawn anew only where its mail changed.
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { AnnotationTold, MailQuery, MailTold } from '../../../engine/console/api';
import { Icon } from '../../parts/icons';
import { Within } from '../../parts/links';
import { StateMark } from '../../parts/state-mark';
import { Ago, At } from '../../parts/when';
import { count } from '../../words/numbers';
import { selection } from './selection';

interface Shown {
  readonly mail: MailTold;
  readonly filter: MailQuery;
  readonly isPicked: boolean;
  readonly isOpen: boolean;
  readonly mayAct: boolean;
}

export function Row({ mail, filter, isPicked, isOpen, mayAct }: Shown): JSX.Element {
  return useMemo(
    () => (
      <li class={`mail ${isOpen ? 'is-open' : ''}`} data-mail={mail.id} data-state={mail.state}>
        {mayAct && (
          <label class="tick">
            <input
              type="checkbox"
              checked={isPicked}
              onChange={({ currentTarget }) => selection.pick([mail.id], currentTarget.checked)}
            />
            <span class="unseen">
              Select: <bdi>{subjectOf(mail)}</bdi>
            </span>
          </label>
        )}
        <StateMark state={mail.state} />
        <span class="mail-title">
          <Within view="mails" id={mail.id} query={{ ...filter }} class="mail-subject" dir="auto">
            {subjectOf(mail)}
          </Within>
          {mail.annotations.map((annotation) => (
            <Note key={annotation.name} annotation={annotation} />
          ))}
        </span>
        <span class="mail-from" dir="auto">
          {mail.sender ?? ''}
        </span>
        <span class="mail-where faint">
          <bdi>{mail.account}</bdi> <bdi>{mail.mailbox}</bdi>
        </span>
        <span class="mail-workflow faint" dir="auto">
          {mail.nodeName ?? mail.workflowId}
        </span>
        <span class="mail-time faint">
          <At at={mail.recordedAt} />
        </span>
        <Trouble mail={mail} />
      </li>
    ),
    [mail, filter, isPicked, isOpen, mayAct],
  );
}

export const subjectOf = (mail: MailTold): string =>
  mail.subject ?? (mail.hasContent ? '(no subject)' : '(nothing kept of it)');

/** Why it is not done. */
function Trouble({ mail }: { mail: MailTold }): JSX.Element | null {
  const hasFailed = mail.failures > 0 && mail.state !== 'DONE';
  const isAlone = !mail.served && (mail.state === 'PENDING' || mail.state === 'RETRY');
  if (!hasFailed && !isAlone) return null;
  return (
    <span class="mail-trouble">
      {hasFailed && (
        <>
          {mail.failures === 1 ? 'Failed once' : `Failed ${count(mail.failures)} times`}
          {mail.lastError !== null && (
            <>
              : <bdi>{mail.lastError}</bdi>
            </>
          )}
          {mail.state === 'RETRY' && mail.dueAt !== null && (
            <>
              {' · next try '}
              <Ago at={mail.dueAt} />
            </>
          )}
        </>
      )}
      {isAlone && ' Its trigger does not listen: publish its workflow.'}
    </span>
  );
}

function Note({ annotation }: { annotation: AnnotationTold }): JSX.Element {
  const said = [annotation.category, annotation.priority].filter((part) => part !== null && part !== '');
  return (
    <span class="note" title={annotation.summary ?? annotation.name}>
      <Icon name="tag" />
      <bdi>{said.length > 0 ? said.join(' · ') : annotation.name}</bdi>
    </span>
  );
}
