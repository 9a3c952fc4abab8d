// The outbox: its entries, and beside them the templates of mails and the endpoints that hear of changes.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { onLive } from '../../live/live';
import { addressOf, route } from '../../route';
import { endpoints, Endpoints } from './endpoints';
import { Entries } from './entries';
import { Templates } from './templates';

const PARTS = { '': 'Entries', templates: 'Templates', endpoints: 'Endpoints' } as const;

export function Outbox(): JSX.Element {
  const { id } = route.value;
  const part = id === 'templates' || id === 'endpoints' ? id : '';
  useEffect(() => {
    void endpoints.load();
    return onLive({
      event: ({ type }) => {
        if (type === 'endpoint.changed') endpoints.soon(1_000);
      },
      anew: (hasHoles) => endpoints.anew(hasHoles),
    });
  }, []);
  const aside = endpoints.data.value?.endpoints.filter(({ asideSince }) => asideSince !== null).length ?? 0;
  return (
    <>
      <h1>Outbox</h1>
      <nav class="parts" aria-label="Parts of the outbox">
        {Object.entries(PARTS).map(([name, word]) => (
          <a
            key={name}
            href={addressOf({ view: 'outbox', id: name || null })}
            aria-current={name === part ? 'page' : undefined}
          >
            {word}
            {name === 'endpoints' && aside > 0 && <span class="badge">{aside} set aside</span>}
          </a>
        ))}
      </nav>
      {part === 'templates' ? <Templates /> : part === 'endpoints' ? <Endpoints /> : <Entries />}
    </>
  );
}
