// One template: its texts, to be changed by who may, and what becomes of them with values.
// Invariants: what is typed is nobody's until it is saved; who may only look may see it with values all the same.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { TemplateAnswer } from '../../../engine/console/outbox-api';
import { ask, pathOf } from '../../api/ask';
import { post, Unanswered } from '../../api/request';
import { me } from '../../api/session';
import { Dialog } from '../../parts/dialog';
import { Asking, Wrong } from '../../parts/held';
import { orTell, tell } from '../../parts/notices';
import { Preview } from './preview';
import { asRequest, EMPTY, type Typed } from './typed-template';

interface Shown {
  /** null: a new one. */
  readonly name: string | null;
  /** When it was changed last, as the list knows it. */
  readonly changedAt: string | null;
  readonly saved: (name: string) => void;
  readonly left: () => void;
}

export function TemplateForm({ name, changedAt, saved, left }: Shown): JSX.Element {
  const typed = useSignal<Typed | null>(name === null ? EMPTY : null);
  const readAt = useSignal<string | null>(null);
  const error = useSignal<string | null>(null);
  const isAsked = useSignal(false);
  const load = async (): Promise<void> => {
    if (name === null) return;
    try {
      const { template } = await ask<TemplateAnswer>(pathOf('/api/template', { name }));
      const { subject, text, html } = template;
      typed.value = { name, subject, text: text ?? '', html: html ?? '' };
      readAt.value = template.changedAt;
      error.value = null;
    } catch (failure) {
      error.value = failure instanceof Unanswered ? failure.message : String(failure);
    }
  };
  useEffect(() => void load(), []);
  const mayAct = me.value?.right === 'operate';
  const now = typed.value;
  const save = async (): Promise<void> => {
    if (now === null) return;
    const answer = await orTell(post<TemplateAnswer>('/api/templates/save', asRequest(now)));
    if (answer === null) return;
    tell(`"${answer.template.name}" is saved.`);
    readAt.value = answer.template.changedAt;
    saved(answer.template.name);
  };
  const remove = async (): Promise<void> => {
    isAsked.value = false;
    if ((await orTell(post('/api/templates/remove', { name }))) === null) return;
    tell(`"${name}" is removed.`);
    left();
  };
  const field = (label: string, of: keyof Typed, rows: number): JSX.Element => (
    <label>
      <span>{label}</span>
      {rows === 1 ? (
        <input
          type="text"
          value={now?.[of]}
          readOnly={!mayAct || (of === 'name' && name !== null)}
          onInput={({ currentTarget }) => now && (typed.value = { ...now, [of]: currentTarget.value })}
        />
      ) : (
        <textarea
          rows={rows}
          value={now?.[of]}
          readOnly={!mayAct}
          spellcheck={false}
          dir="auto"
          onInput={({ currentTarget }) => now && (typed.value = { ...now, [of]: currentTarget.value })}
        />
      )}
    </label>
  );
  return (
    <section class="template" aria-label="Template">
      <p class="answers">
        <button type="button" onClick={left}>
          All templates
        </button>
      </p>
      {error.value !== null && <Wrong text={error.value} again={() => void load()} />}
      {now === null ? (
        error.value === null && <Asking />
      ) : (
        <>
          {changedAt !== null && readAt.value !== null && changedAt > readAt.value && (
            <p class="held is-bad" role="alert">
              <span>Somebody has changed this template since. Who saves now, takes their place.</span>
              <button type="button" onClick={() => void load()}>
                Read it anew
              </button>
            </p>
          )}
          {field('Name', 'name', 1)}
          {field('Subject', 'subject', 1)}
          {field('Text', 'text', 8)}
          {field('HTML', 'html', 10)}
          <p class="faint">
            {'{{name}}'} is a place for a value: in HTML it is put in as text. A value that is missing is an
            error.
          </p>
          {mayAct && (
            <div class="answers">
              <button
                type="button"
                class="primary"
                disabled={now.name.trim() === '' || (now.text === '' && now.html === '')}
                onClick={() => void save()}
              >
                Save
              </button>
              {name !== null && (
                <button type="button" class="danger" onClick={() => (isAsked.value = true)}>
                  Remove
                </button>
              )}
            </div>
          )}
          <Preview typed={now} />
        </>
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
          <p>Workflows that send by it fail until there is one of that name again. What is queued is sent.</p>
        </Dialog>
      )}
    </section>
  );
}
