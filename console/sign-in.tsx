// Asks for a token, and says why it has to. It is tried before it counts.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { tryToken } from './api/ask';
import { Unanswered } from './api/request';
import { enter, isGiven, refusal } from './api/session';
import { Icon } from './parts/icons';
import { ThemeChoice } from './parts/theme';

export function SignIn(): JSX.Element {
  return (
    <main class="sign-in">
      <h1>
        <Icon name="mail" /> Mail Console
      </h1>
      {refusal.value !== null && (
        <p class="is-bad" role="alert">
          <Icon name="bad" /> {refusal.value}
        </p>
      )}
      {isGiven ? <Reload /> : <Form />}
      <ThemeChoice />
    </main>
  );
}

/** Its home gives out the token with the page. */
function Reload(): JSX.Element {
  return (
    <>
      <p>Your session has ended. Reload the page to go on.</p>
      <button type="button" class="primary" onClick={() => location.reload()}>
        Reload
      </button>
    </>
  );
}

function Form(): JSX.Element {
  const isTried = useSignal(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const typed = field.current?.value.trim() ?? '';
    if (typed === '') return;
    isTried.value = true;
    try {
      await tryToken(typed);
      enter(typed);
    } catch (error) {
      refusal.value = error instanceof Unanswered ? error.message : String(error);
      field.current?.select();
    }
    isTried.value = false;
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <label>
        <span>Token</span>
        <input ref={field} type="password" autocomplete="current-password" spellcheck={false} required />
      </label>
      <button type="submit" class="primary" disabled={isTried.value}>
        Sign in
      </button>
      <p class="faint">
        There are two: with one you may look, with the other also act. They were set for this n8n, or are kept
        beside the ledger. It is kept for this tab only.
      </p>
    </form>
  );
}
