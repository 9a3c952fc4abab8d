// One mail, opened beside the list: what is known of it, what can be done, and its life as a line in time.
// Invariants: Escape and the cross lead back to the list as it was; what is told here is as new as the feed makes it.
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { MailAnswer, MailQuery, MailTold } from '../../../engine/console/api';
import { ask } from '../../api/ask';
import { Resource } from '../../api/resource';
import { me } from '../../api/session';
import { onLive } from '../../live/live';
import { Asking, Wrong } from '../../parts/held';
import { Icon } from '../../parts/icons';
import { Workflow } from '../../parts/links';
import { StateMark } from '../../parts/state-mark';
import { Ago, At } from '../../parts/when';
import { addressOf, go } from '../../route';
import { octets } from '../../words/numbers';
import { ACT_NAMES, ACTS } from '../../words/states';
import { asked, askFirst, chosenAs } from './acting';
import { LifeLine } from './life-line';
import { subjectOf } from './row';

const PACE_MS = 700;

export function Opened({ id, filter }: { id: string; filter: MailQuery }): JSX.Element {
  const mail = useMemo(
    () => new Resource((signal) => ask<MailAnswer>(`/api/mails/${encodeURIComponent(id)}`, signal)),
    [id],
  );
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    void mail.load();
    panel.current?.focus();
    const stop = onLive({
      event: ({ event }) => {
        if (event === id) mail.soon(PACE_MS);
      },
      anew: (hasHoles) => mail.anew(hasHoles),
    });
    return () => {
      stop();
      mail.clear();
    };
  }, [mail]);
  const close = (): void => {
    go({ view: 'mails', query: { ...filter } });
    const row = document.querySelector<HTMLElement>(`[data-mail="${CSS.escape(id)}"] a`);
    // One that was led to by its address need not be among those that are shown.
    (row ?? document.querySelector<HTMLElement>('main'))?.focus();
  };
  useEffect(() => {
    const onKeyDown = ({ key, target }: KeyboardEvent): void => {
      // A field has its own use for it, and a question is answered by it.
      const isOthers =
        target instanceof HTMLInputElement || target instanceof HTMLSelectElement || asked.value !== null;
      if (key === 'Escape' && !isOthers) close();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  });
  const answer = mail.data.value;
  return (
    <aside ref={panel} class="opened" tabIndex={-1} aria-label="The opened mail">
      <a
        class="button bare close"
        href={addressOf({ view: 'mails', query: { ...filter } })}
        aria-label="Close the mail"
        onClick={(event) => {
          event.preventDefault();
          close();
        }}
      >
        <Icon name="close" />
      </a>
      {mail.error.value !== null && <Wrong text={mail.error.value} again={() => void mail.load()} />}
      {answer === null ? mail.error.value === null && <Asking /> : <Whole answer={answer} />}
    </aside>
  );
}

function Whole({ answer }: { answer: MailAnswer }): JSX.Element {
  const { mail } = answer;
  return (
    <>
      <StateMark state={mail.state} />
      <h2 dir="auto">{subjectOf(mail)}</h2>
      {mail.sender !== null && (
        <p>
          From <bdi>{mail.sender}</bdi>
        </p>
      )}
      {me.value?.right === 'operate' && <Acts mail={mail} />}
      <h3>Its life</h3>
      <LifeLine answer={answer} />
      <h3>What is known</h3>
      <Known mail={mail} />
    </>
  );
}

/** Those that its state allows. */
function Acts({ mail }: { mail: MailTold }): JSX.Element {
  const possible = ACT_NAMES.filter(
    (action) => ACTS[action].of.includes(mail.state) && (action !== 'forget' || mail.hasContent),
  );
  return (
    <div class="answers" role="group" aria-label="Acts on this mail">
      {possible.map((action) => (
        <button
          key={action}
          type="button"
          class={action === 'forget' ? 'danger' : ''}
          title={ACTS[action].means}
          onClick={() => askFirst(action, chosenAs(action, [mail.id], [mail]))}
        >
          {ACTS[action].label}
        </button>
      ))}
    </div>
  );
}

function Known({ mail }: { mail: MailTold }): JSX.Element {
  return (
    <dl class="facts">
      <div>
        <dt>Mailbox</dt>
        <dd>
          <bdi>{mail.account}</bdi> <bdi>{mail.mailbox}</bdi>
        </dd>
      </div>
      <div>
        <dt>Workflow</dt>
        <dd>
          <Workflow id={mail.workflowId} />
        </dd>
      </div>
      <div>
        <dt>Trigger</dt>
        <dd>
          <bdi>{mail.nodeName ?? mail.nodeId}</bdi>
          {!mail.served && ' (does not listen)'}
        </dd>
      </div>
      <div>
        <dt>Recorded</dt>
        <dd>
          <At at={mail.recordedAt} /> (<Ago at={mail.recordedAt} />)
        </dd>
      </div>
      <div>
        <dt>Tries</dt>
        <dd>
          {mail.attempt}, failed {mail.failures}
        </dd>
      </div>
      <div>
        <dt>Size</dt>
        <dd>
          {octets(mail.size)}, content {mail.hasContent ? 'kept' : 'not kept'}
        </dd>
      </div>
      {mail.messageId !== null && (
        <div class="wide">
          <dt>Message-ID</dt>
          <dd dir="auto">{mail.messageId}</dd>
        </div>
      )}
      <div class="wide">
        <dt>Event</dt>
        <dd>
          {mail.id} · key <bdi>{mail.idempotencyKey}</bdi>
        </dd>
      </div>
    </dl>
  );
}
