// Links within the page, and out of it to n8n's editor.
// Invariant: what leaves the page is told nothing of it, and only goes where n8n's editor is.
import type { ComponentChildren, JSX } from 'preact';
import { me } from '../api/session';
import { addressOf, type Route } from '../route';
import { Icon } from './icons';

type Place = Pick<Route, 'view'> & Partial<Route>;

interface Look {
  readonly children: ComponentChildren;
  readonly class?: string;
  /** `auto`: what it says is not the page's. */
  readonly dir?: 'auto';
}

export function Within({ children, class: look, dir, ...to }: Place & Look): JSX.Element {
  return (
    <a href={addressOf(to)} class={look} dir={dir}>
      {children}
    </a>
  );
}

/** Where nobody knows n8n's editor, its id alone. */
export function Execution({ workflow, id }: { workflow: string; id: string }): JSX.Element {
  const path = `${encodeURIComponent(workflow)}/executions/${encodeURIComponent(id)}`;
  return <InEditor path={path}>Execution {id}</InEditor>;
}

export function Workflow({ id, children }: { id: string; children?: ComponentChildren }): JSX.Element {
  return <InEditor path={encodeURIComponent(id)}>{children ?? id}</InEditor>;
}

function InEditor({ path, children }: { path: string; children: ComponentChildren }): JSX.Element {
  const editor = me.value?.editor;
  if (!editor || !/^https?:\/\//i.test(editor)) return <span>{children}</span>;
  return (
    <a class="out" href={`${editor}/workflow/${path}`} target="_blank" rel="noopener noreferrer">
      {children}
      <Icon name="out" />
      <span class="unseen"> in n8n's editor</span>
    </a>
  );
}
