// The URLs that hear of changes without a workflow in between; one that was set aside says why, and can be taken back.
// Invariant: who may only look is not shown what they may not do.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { EndpointsAnswer, EndpointTold, NameRequest } from '../../../engine/console/outbox-api';
import { ask } from '../../api/ask';
import { post } from '../../api/request';
import { Resource } from '../../api/resource';
import { me } from '../../api/session';
import { Dialog } from '../../parts/dialog';
import { Asking, Nothing, Wrong } from '../../parts/held';
import { Icon } from '../../parts/icons';
import { Workflow } from '../../parts/links';
import { sourceName } from '../../parts/names';
import { orTell, tell } from '../../parts/notices';
import { Ago, At } from '../../parts/when';

export const endpoints = new Resource((signal) => ask<EndpointsAnswer>('/api/endpoints', signal));

export function Endpoints(): JSX.Element {
  const answer = endpoints.data.value;
  const error = endpoints.error.value;
  return (
    <>
      {error !== null && <Wrong text={error} again={() => void endpoints.load()} />}
      {answer === null ? (
        error === null && <Asking />
      ) : answer.endpoints.length === 0 ? (
        <Nothing>No endpoint hears of changes yet.</Nothing>
      ) : (
        <ul class="cards">
          {answer.endpoints.map((endpoint) => (
            <One key={endpoint.id} endpoint={endpoint} />
          ))}
        </ul>
      )}
    </>
  );
}

function One({ endpoint }: { endpoint: EndpointTold }): JSX.Element {
  const { name, url, types, workflowId, sourceId, asideSince, asideReason, missedAt } = endpoint;
  const isAsked = useSignal(false);
  const request: NameRequest = { name };
  const takeBack = async (): Promise<void> => {
    if (await orTell(post('/api/endpoints/takeBack', request))) tell(`"${name}" is told again from now on.`);
    void endpoints.load();
  };
  const remove = async (): Promise<void> => {
    isAsked.value = false;
    if (await orTell(post('/api/endpoints/remove', request))) tell(`"${name}" is removed.`);
    void endpoints.load();
  };
  const isAside = asideSince !== null;
  return (
    <li class={isAside ? 'is-bad' : 'is-good'} data-endpoint={name}>
      <div>
        <span class="state">
          <Icon name={isAside ? 'bad' : 'good'} />
          {isAside ? 'Set aside' : 'Told'}
        </span>{' '}
        <strong dir="auto">{name}</strong>
        <p>
          <bdi>{url}</bdi>
        </p>
        <p class="faint">
          Hears of {types.join(', ') || 'everything'}
          {workflowId !== null && (
            <>
              {' '}
              of <Workflow id={workflowId} />
            </>
          )}
          {sourceId !== null && (
            <>
              {' '}
              in <bdi>{sourceName(String(sourceId))}</bdi>
            </>
          )}
          {' · by '}
          <bdi>{endpoint.createdBy}</bdi>, <At at={endpoint.createdAt} />
        </p>
        {isAside && (
          <p role="alert">
            Set aside <Ago at={asideSince} />: <bdi>{asideReason}</bdi> Nothing is sent there until somebody
            takes it back; what comes meanwhile is left out.
          </p>
        )}
        {missedAt !== null && (
          <p class="faint">
            Something was left out, last <Ago at={missedAt} />.
          </p>
        )}
      </div>
      {me.value?.right === 'operate' && (
        <div class="answers" role="group" aria-label={`Acts on ${name}`}>
          {isAside && (
            <button type="button" class="primary" onClick={() => void takeBack()}>
              Take back
            </button>
          )}
          <button type="button" class="danger" onClick={() => (isAsked.value = true)}>
            Remove
          </button>
        </div>
      )}
      {isAsked.value && (
        <Dialog
          title={`Remove "${name}"?`}
          yes="Remove"
          isDanger
          isHeld={false}
          onYes={() => void remove()}
          onNo={() => (isAsked.value = false)}
        >
          <p>It hears of nothing any more. What waits for it is cancelled, and not sent.</p>
        </Dialog>
      )}
    </li>
  );
}
