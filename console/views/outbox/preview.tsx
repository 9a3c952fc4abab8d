// A template as a mail, with values that somebody types.
// Invariant: its HTML is looked at in a frame of its own that may do nothing: no scripts, no forms, no links, no origin, and under
// the page's policy no style and no image from anywhere; beside it stands what it is, as text.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { PreviewAnswer } from '../../../engine/console/outbox-api';
import { post } from '../../api/request';
import { orTell } from '../../parts/notices';
import { asRequest, type Typed } from './typed-template';

/** As whoever fills templates reads them; what is no name there, is refused there. */
const PLACE = /\{\{\s*([^{}]+?)\s*\}\}/g;

export function Preview({ typed }: { typed: Typed }): JSX.Element {
  const values = useSignal<Readonly<Record<string, string>>>({});
  const answer = useSignal<PreviewAnswer | null>(null);
  const { subject, text, html } = asRequest(typed);
  const names = [
    ...new Set([...[subject, text, html].join('\n').matchAll(PLACE)].map(([, name = '']) => name)),
  ];
  const show = async (): Promise<void> => {
    const given = Object.fromEntries(
      names.flatMap((name) => (values.value[name] ? [[name, values.value[name]]] : [])),
    );
    answer.value = await orTell(
      post<PreviewAnswer>('/api/templates/preview', { subject, text, html, values: given }),
    );
  };
  const mail = answer.value;
  return (
    <>
      <h2>Preview</h2>
      <form
        class="fields"
        onSubmit={(event) => {
          event.preventDefault();
          void show();
        }}
      >
        {names.map((name) => (
          <label key={name}>
            <span dir="auto">{name}</span>
            <input
              type="text"
              value={values.value[name] ?? ''}
              onInput={({ currentTarget }) =>
                (values.value = { ...values.value, [name]: currentTarget.value })
              }
            />
          </label>
        ))}
        <button type="submit" disabled={text === null && html === null}>
          Show the mail
        </button>
      </form>
      {mail !== null && (
        <div class="preview" role="status">
          <h3>Subject</h3>
          <p class="said" dir="auto">
            {mail.subject}
          </p>
          {mail.text !== null && (
            <>
              <h3>Text</h3>
              <p class="said" dir="auto">
                {mail.text}
              </p>
            </>
          )}
          {mail.html !== null && (
            <>
              <h3>HTML, without its styles and images</h3>
              <iframe title="The mail's HTML" sandbox="" srcdoc={mail.html} />
              <details>
                <summary>As it is written</summary>
                <pre tabIndex={0} dir="auto">
                  {mail.html}
                </pre>
              </details>
            </>
          )}
        </div>
      )}
    </>
  );
}
