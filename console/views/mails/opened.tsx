// One mail, opened beside the list: what is known of it, what can be done, and its life as a line in time.
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { MailAnswer, MailQuery, MailTold } from '../../../engine/console/api';
import { ask } from '../../api/ask';
import { Resource } from '../../api/resource';
import { me } from '../../api/session';
import { Workflow } from '../../parts/links';
import { OpenedPanel } from '../../parts/opened-panel';
import { StateMark } from '../../parts/state-mark';
import { Ago, At } from '../../parts/when';
import { octets } from '../../words/numbers';
import { ACT_NAMES, ACTS } from '../../words/states';
import { acting, chosenAs } from './acting';
import { type Outgoing, OutgoingList, useOutgoing } from '../outbox/outgoing';
import { LifeLine } from './life-line';
import { subjectOf } from './row';

export function Opened({ id, filter }: { id: string; filter: MailQuery }): JSX.Element {
  const mail = useMemo(
    () => new Resource((signal) => ask<MailAnswer>(`/api/mails/${encodeURIComponent(id)}`, signal)),
    [id],
  );
  const outgoing = useOutgoing(id);
  return (
    <OpenedPanel
      of={mail}
      what="mail"
      row={`[data-mail="${CSS.escape(id)}"]`}
      back={{ view: 'mails', query: { ...filter } }}
      isOf={({ event }) => event === id}
      isHeld={() => acting.asked.value !== null}
    >
      {(answer: MailAnswer) => <Whole answer={answer} outgoing={outgoing} />}
    </OpenedPanel>
  );
}

function Whole({ answer, outgoing }: { answer: MailAnswer; outgoing: Outgoing }): JSX.Element {
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
      <OutgoingList of={outgoing} />
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
          onClick={() => acting.askFirst(action, chosenAs(action, [mail.id], [mail]))}
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
