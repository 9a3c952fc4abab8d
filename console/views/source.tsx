// One source, as people see it: how it stands in colour, icon, word and sentence; what is known of it; what can be done.
import { useSignal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import type { LookAnswer, LookRequest, SourceTold } from '../../engine/console/api';
import { post } from '../api/request';
import { me } from '../api/session';
import { Icon } from '../parts/icons';
import { Within, Workflow } from '../parts/links';
import { orTell, tell } from '../parts/notices';
import { Ago, At } from '../parts/when';
import { count } from '../words/numbers';
import { connectionWord, processWord, STANDINGS, stateWord } from './standings';

const KINDS: Readonly<Record<string, string>> = { imap: 'IMAP', gmail: 'Gmail' };

export function Source({ source }: { source: SourceTold }): JSX.Element {
  const { word, tone, icon } = STANDINGS[source.standing];
  const name = `source-${source.id}`;
  return (
    <li class={`source is-${tone}`} aria-labelledby={name} data-standing={source.standing}>
      <div class="source-standing">
        <Icon name={icon} />
        <span>{word}</span>
      </div>
      <div class="source-main">
        <h2 id={name}>
          <bdi>{source.account}</bdi> <bdi class="faint">{source.mailbox}</bdi>
        </h2>
        <p class="says" dir="auto">
          {source.says}
        </p>
        <Backfilled source={source} />
        {source.actionsWaiting > 0 && (
          <p class="is-warn">
            <Icon name="server" />{' '}
            {source.connection === 'idling' || source.connection === 'polling' ? 'To do' : 'Offline'}:{' '}
            {count(source.actionsWaiting)} waiting
            {source.actionError !== null && (
              <span class="faint">
                : <bdi>{source.actionError}</bdi>
              </span>
            )}
          </p>
        )}
        <Facts source={source} />
      </div>
      <Doing source={source} />
    </li>
  );
}

function Backfilled({ source }: { source: SourceTold }): JSX.Element | null {
  if (source.backfill === null || source.backfill.left === 0) return null;
  const { read, left } = source.backfill;
  return (
    <p class="backfill">
      <progress value={read} max={read + left} aria-label={`Older mail of ${source.account}`} />
      <span>
        Older mail: {count(read)} of about {count(read + left)} read
      </span>
    </p>
  );
}

function Facts({ source }: { source: SourceTold }): JSX.Element {
  return (
    <dl class="facts">
      <Fact name="Kind">{KINDS[source.kind] ?? source.kind}</Fact>
      <Fact name="State">
        {stateWord(source)}
        {source.since !== null && (
          <>
            , since <At at={source.since} />
          </>
        )}
      </Fact>
      <Fact name="Connection">{connectionWord(source)}</Fact>
      <Fact name="Last mail">
        <Ago at={source.lastMailAt} none="none yet" />
      </Fact>
      <Fact name="Last look">
        <Ago at={source.lastLookAt} none="never" />
      </Fact>
      {source.nextTryAt !== null && (
        <Fact name="Next try">
          <Ago at={source.nextTryAt} />
        </Fact>
      )}
      {source.notifiedUntil !== null && (
        <Fact name="Notices renewed before">
          <At at={source.notifiedUntil} />
        </Fact>
      )}
      {source.recovered !== null && source.recovered > 0 && (
        <Fact name="Found again">
          {count(source.recovered)}, <Ago at={source.recoveredAt} />
        </Fact>
      )}
      {source.holder !== null && <Fact name="Read by">{processWord(source.holder)}</Fact>}
      {source.workflowIds.length > 0 && (
        <Fact name={source.workflowIds.length === 1 ? 'Workflow' : 'Workflows'}>
          {source.workflowIds.map((id, at) => (
            <span key={id}>
              {at > 0 && ', '}
              <Workflow id={id} />
            </span>
          ))}
        </Fact>
      )}
      {source.lastError !== null && (
        <Fact name="Last error" wide>
          <Ago at={source.lastErrorAt} none="" /> <q dir="auto">{source.lastError}</q>
        </Fact>
      )}
    </dl>
  );
}

interface Told {
  readonly name: string;
  readonly wide?: boolean;
  readonly children: ComponentChildren;
}

function Fact({ name, wide = false, children }: Told): JSX.Element {
  return (
    <div class={wide ? 'wide' : ''}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Doing({ source }: { source: SourceTold }): JSX.Element {
  const isAsked = useSignal(false);
  const isFailing = source.standing === 'broken' || source.standing === 'troubled';
  const look = async (): Promise<void> => {
    isAsked.value = true;
    const asked: LookRequest = { source: source.id };
    const answer = await orTell(post<LookAnswer>('/api/look', asked));
    if (answer) tell(`Asked: ${source.account} ${source.mailbox} is looked at.`);
    isAsked.value = false;
  };
  return (
    <div class="source-doing">
      {me.value?.right === 'operate' && source.standing !== 'off' && (
        <button
          type="button"
          class={isFailing ? 'primary' : ''}
          disabled={isAsked.value}
          onClick={() => void look()}
        >
          {isFailing ? 'Try again now' : 'Look now'}
          <span class="unseen">
            : <bdi>{source.account}</bdi> <bdi>{source.mailbox}</bdi>
          </span>
        </button>
      )}
      <Within view="mails" query={{ source: String(source.id) }} class="button">
        Its mails
      </Within>
    </div>
  );
}
