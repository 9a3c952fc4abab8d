// The page as a whole: the sign-in, or the head with the views below it.
// Invariant: a view is drawn only where somebody is logged in; who leaves, leaves nothing on the page.
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { isEntered } from './api/session';
import { viewShown } from './api/together';
import { Head } from './head';
import { Notices } from './parts/notices';
import { route, type View } from './route';
import { SignIn } from './sign-in';
import { Mails } from './views/mails/mails';
import { Outbox } from './views/outbox/outbox';
import { Sources } from './views/sources';
import { OverTime } from './views/time/over-time';
import { Workflows } from './views/workflows';

const SHOWN: Readonly<Record<View, () => JSX.Element>> = {
  sources: Sources,
  mails: Mails,
  outbox: Outbox,
  time: OverTime,
  workflows: Workflows,
};

export function App(): JSX.Element {
  return (
    <>
      {isEntered.value ? <Entered /> : <SignIn />}
      <Notices />
    </>
  );
}

function Entered(): JSX.Element {
  const { view } = route.value;
  const Shown = SHOWN[view];
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  useEffect(() => {
    // Who reads by ear is led to the view that was asked for.
    if (!isFirst.current) main.current?.focus({ preventScroll: true });
    isFirst.current = false;
    scrollTo(0, 0);
  }, [view]);
  // After the effects of what is below, by which the view has asked for what it shows.
  useEffect(viewShown, []);
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <Head />
      <main ref={main} tabIndex={-1}>
        <Shown key={view} />
      </main>
    </>
  );
}
