// The templates of mails: their list, and one of them opened to be read, changed, and seen with values.
// Invariant: what somebody is typing is not taken from them because the template was changed elsewhere: that is said.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { TemplatesAnswer } from '../../../engine/console/outbox-api';
import { ask } from '../../api/ask';
import { Resource } from '../../api/resource';
import { me } from '../../api/session';
import { onLive } from '../../live/live';
import { Asking, Nothing, Wrong } from '../../parts/held';
import { Within } from '../../parts/links';
import { Ago } from '../../parts/when';
import { go, route } from '../../route';
import { TemplateForm } from './template-form';

const PACE_MS = 1_000;

const templates = new Resource((signal) => ask<TemplatesAnswer>('/api/templates', signal));

/** What no template is called: the form for a new one. */
const NEW = ' ';

export function Templates(): JSX.Element {
  useEffect(() => {
    void templates.load();
    return onLive({
      event: ({ type }) => {
        if (type === 'template.changed') templates.soon(PACE_MS);
      },
      anew: (hasHoles) => templates.anew(hasHoles),
    });
  }, []);
  const name = route.value.query['name'];
  const answer = templates.data.value;
  const error = templates.error.value;
  const show = (shown: string | null): void => {
    go({ view: 'outbox', id: 'templates', query: shown === null ? {} : { name: shown } });
    void templates.load();
  };
  if (name !== undefined)
    return (
      <TemplateForm
        key={name}
        name={name === NEW ? null : name}
        changedAt={answer?.templates.find((template) => template.name === name)?.changedAt ?? null}
        saved={show}
        left={() => show(null)}
      />
    );
  return (
    <>
      {me.value?.right === 'operate' && (
        <p class="answers">
          <button type="button" onClick={() => show(NEW)}>
            New template
          </button>
        </p>
      )}
      {error !== null && <Wrong text={error} again={() => void templates.load()} />}
      {answer === null ? (
        error === null && <Asking />
      ) : answer.templates.length === 0 ? (
        <Nothing>There is no template yet. Durable Send fills one with values, and sends it.</Nothing>
      ) : (
        <ul class="cards">
          {answer.templates.map((template) => (
            <li key={template.name} data-template={template.name}>
              <div>
                <Within view="outbox" id="templates" query={{ name: template.name }} dir="auto">
                  <strong>{template.name}</strong>
                </Within>
                <p dir="auto">{template.subject}</p>
                <p class="faint">
                  {[template.hasText && 'text', template.hasHtml && 'HTML'].filter(Boolean).join(' and ')} ·
                  changed <Ago at={template.changedAt} /> by <bdi>{template.changedBy}</bdi>
                </p>
              </div>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
