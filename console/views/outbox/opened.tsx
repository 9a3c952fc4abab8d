// One entry of the outbox, opened beside the list: how it stands, what can be done, and what is known of it.
import type { ComponentChildren, JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { OutboxQuery } from '../../../engine/console/api';
import type { EntryAnswer, EntryTold } from '../../../engine/console/outbox-api';
import { ask } from '../../api/ask';
import { Resource } from '../../api/resource';
import { me } from '../../api/session';
import { Execution, Within, Workflow } from '../../parts/links';
import { OpenedPanel } from '../../parts/opened-panel';
import { EntryMark } from '../../parts/state-mark';
import { Ago, At } from '../../parts/when';
import { ENTRY_ACT_NAMES, ENTRY_ACTS, ENTRY_STATES, unknownSays } from '../../words/entries';
import { acting } from './acting';
import { entryIn } from './list';
import { titleOf } from './row';

export function OpenedEntry({ id, filter }: { id: string; filter: OutboxQuery }): JSX.Element {
  const entry = useMemo(
    () => new Resource((signal) => ask<EntryAnswer>(`/api/outbox/${encodeURIComponent(id)}`, signal)),
    [id],
  );
  return (
    <OpenedPanel
      of={entry}
      what="entry"
      row={`[data-entry="${CSS.escape(id)}"]`}
      back={{ view: 'outbox', query: { ...filter } }}
      isOf={(event) => event.type.startsWith('outbox.') && entryIn(event) === id}
      isHeld={() => acting.asked.value !== null}
    >
      {(answer: EntryAnswer) => <Whole answer={answer} />}
    </OpenedPanel>
  );
}

function Whole({ answer: { entry, mail } }: { answer: EntryAnswer }): JSX.Element {
  return (
    <>
      <EntryMark state={entry.state} />
      <h2 dir="auto">{titleOf(entry)}</h2>
      {entry.recipient !== null && (
        <p>
          To <bdi>{entry.recipient}</bdi>
        </p>
      )}
      <p class="faint">{entry.state === 'UNKNOWN' ? unknownSays(entry) : ENTRY_STATES[entry.state].means}</p>
      {me.value?.right === 'operate' && <Acts entry={entry} />}
      {entry.lastError !== null && <Said what="What went wrong" text={entry.lastError} />}
      {entry.lastAnswer !== null && <Said what="What the receiver said last" text={entry.lastAnswer} />}
      <h3>What is known</h3>
      <dl class="facts">
        <Fact of="Queued">
          <At at={entry.queuedAt} /> (<Ago at={entry.queuedAt} />)
        </Fact>
        <Fact of="Tries">
          {entry.tries}
          {entry.begunAt !== null && (
            <>
              , the last <At at={entry.begunAt} />
            </>
          )}
        </Fact>
        {entry.dueAt !== null && entry.dueAt > entry.queuedAt && (
          <Fact of={entry.state === 'UNKNOWN' ? 'Looked for' : 'Next try'}>
            <Ago at={entry.dueAt} />
          </Fact>
        )}
        {entry.settledAt !== null && (
          <Fact of="Settled">
            <At at={entry.settledAt} />
          </Fact>
        )}
        <Fact of="Kind">
          {entry.kind}, by way of <bdi>{entry.lane}</bdi>
        </Fact>
        {entry.workflowId !== null && (
          <Fact of="Workflow">
            <Workflow id={entry.workflowId} />
            {entry.nodeName !== null && (
              <>
                , <bdi>{entry.nodeName}</bdi>
              </>
            )}
          </Fact>
        )}
        {entry.event !== null && (
          <Fact of="Answers">
            {mail === null ? (
              'a mail that is not kept any more'
            ) : (
              <Within view="mails" id={mail.id} dir="auto">
                {mail.subject ?? 'the mail'}
              </Within>
            )}
          </Fact>
        )}
        {mail !== null && mail.executionId !== null && (
          <Fact of="Run">
            <Execution workflow={mail.workflowId} id={mail.executionId} />
          </Fact>
        )}
        <Fact of="Content">{entry.hasContent ? 'kept' : 'not kept: it cannot be sent again'}</Fact>
        {entry.messageId !== null && <Fact of="Message-ID">{entry.messageId}</Fact>}
        <Fact of="Entry">
          {entry.id} · key <bdi>{entry.key}</bdi>
        </Fact>
      </dl>
    </>
  );
}

function Said({ what, text }: { what: string; text: string }): JSX.Element {
  return (
    <>
      <h3>{what}</h3>
      <p class="said" dir="auto">
        {text}
      </p>
    </>
  );
}

function Fact({ of, children }: { of: string; children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>{of}</dt>
      <dd dir="auto">{children}</dd>
    </div>
  );
}

/** Those that its state allows. */
function Acts({ entry }: { entry: EntryTold }): JSX.Element {
  const possible = ENTRY_ACT_NAMES.filter(
    (action) =>
      ENTRY_ACTS[action].of.includes(entry.state) &&
      ((action !== 'forget' && action !== 'retry') || entry.hasContent),
  );
  return (
    <div class="answers" role="group" aria-label="Acts on this entry">
      {possible.map((action) => (
        <button
          key={action}
          type="button"
          class={ENTRY_ACTS[action].isDanger ? 'danger' : ''}
          title={ENTRY_ACTS[action].means}
          onClick={() => acting.askFirst(action, { ids: [entry.id] })}
        >
          {ENTRY_ACTS[action].label}
        </button>
      ))}
    </div>
  );
}
