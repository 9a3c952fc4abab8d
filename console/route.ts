// Which view is shown and what it is asked for, in the fragment of the address: `#/mails/17?state=DEAD&workflow=x`. It can be
// kept, sent to others and gone back from; nothing of it is sent to a server.
import { computed, signal, type ReadonlySignal } from '@preact/signals';

const VIEWS = ['sources', 'mails', 'outbox', 'time', 'workflows'] as const;

export type View = (typeof VIEWS)[number];

export interface Route {
  readonly view: View;
  /** What is opened of the view's. */
  readonly id: string | null;
  readonly query: Readonly<Record<string, string>>;
}

const fragment = signal(location.hash);
addEventListener('hashchange', () => (fragment.value = location.hash));

export const route: ReadonlySignal<Route> = computed(() => read(fragment.value));

export function addressOf({ view, id = null, query = {} }: Partial<Route> & Pick<Route, 'view'>): string {
  const asked = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ''));
  const place = view === 'sources' ? '' : view;
  return `#/${place}${id === null ? '' : `/${encodeURIComponent(id)}`}${asked.size > 0 ? `?${asked}` : ''}`;
}

export function go(to: Parameters<typeof addressOf>[0]): void {
  location.hash = addressOf(to);
}

function read(hash: string): Route {
  const [path = '', asked = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [place, id] = path.split('/', 2);
  return {
    view: VIEWS.find((view) => view === place) ?? 'sources',
    id: id ? decoded(id) : null,
    query: Object.fromEntries(new URLSearchParams(asked)),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
