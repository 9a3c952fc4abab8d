// One entry of the outbox in the list: its state, what it is, where it goes, and who asked for it.
// Invariant: all that a workflow or a receiver says is text, and turns no other text around, whatever its direction.
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { OutboxQuery } from '../../../engine/console/api';
import type { EntryTold } from '../../../engine/console/outbox-api';
import { me } from '../../api/session';
import { Within } from '../../parts/links';
import { EntryMark } from '../../parts/state-mark';
import { Ago, At } from '../../parts/when';
import { unknownSays } from '../../words/entries';
import { count } from '../../words/numbers';
import { selection } from './acting';

interface Shown {
  readonly entry: EntryTold;
  readonly filter: OutboxQuery;
  readonly isPicked: boolean;
  readonly isOpen: boolean;
  readonly mayAct: boolean;
}

export function Row({ entry, filter, isPicked, isOpen, mayAct }: Shown): JSX.Element {
  return useMemo(
    () => (
      <li class={`mail ${isOpen ? 'is-open' : ''}`} data-entry={entry.id} data-state={entry.state}>
        {mayAct && (
          <label class="tick">
            <input
              type="checkbox"
              checked={isPicked}
              onChange={({ currentTarget }) => selection.pick([entry.id], currentTarget.checked)}
            />
            <span class="unseen">
              Select: <bdi>{titleOf(entry)}</bdi>
            </span>
          </label>
        )}
        <EntryMark state={entry.state} />
        <span class="mail-title">
          <Within view="outbox" id={entry.id} query={{ ...filter }} class="mail-subject" dir="auto">
            {titleOf(entry)}
          </Within>
        </span>
        <span class="mail-from" dir="auto">
          {entry.recipient ?? ''}
        </span>
        <span class="mail-where faint">
          <bdi>{entry.lane}</bdi>
        </span>
        <span class="mail-workflow faint" dir="auto">
          {entry.nodeName ?? entry.workflowId ?? ''}
        </span>
        <span class="mail-time faint">
          <At at={entry.queuedAt} />
        </span>
        <Trouble entry={entry} />
      </li>
    ),
    [entry, filter, isPicked, isOpen, mayAct, me.value],
  );
}

export function titleOf({ subject, kind, hasContent, recipient }: EntryTold): string {
  if (subject !== null) return subject;
  if (me.value?.showMail === false) return `A ${kind} (not shown here)`;
  return recipient === null && !hasContent ? '(nothing kept of it)' : kind === 'mail' ? '(no subject)' : kind;
}

/** Why it is not sent. */
function Trouble({ entry }: { entry: EntryTold }): JSX.Element | null {
  const { state, lastError, tries, dueAt } = entry;
  if (state === 'UNKNOWN') return <span class="mail-trouble">{unknownSays(entry)}</span>;
  const isTold = state === 'FAILED' || state === 'BOUNCED' || (state === 'QUEUED' && lastError !== null);
  if (!isTold) return null;
  return (
    <span class="mail-trouble">
      {state !== 'BOUNCED' && `Tried ${tries === 1 ? 'once' : `${count(tries)} times`}: `}
      <bdi>{lastError}</bdi>
      {state === 'QUEUED' && dueAt !== null && (
        <>
          {' · next try '}
          <Ago at={dueAt} />
        </>
      )}
    </span>
  );
}
