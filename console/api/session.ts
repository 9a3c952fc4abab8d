// Who is logged in: the token that goes with every request, and what it may do.
// Invariants: the token is never in an address; it is kept in memory and, where the page has an origin of its own, for this
// tab; a token that is refused once is dropped, and why is told where it is asked for.
import { computed, signal, type ReadonlySignal } from '@preact/signals';
import type { Me, Session } from '../../engine/console/api';
import { settings } from './settings';

const KEPT = 'mail-console-token';

/** null: nobody is logged in. */
export const token = signal<string | null>(settings.session?.token ?? kept());
/** Changes where somebody comes or goes, not where a token is renewed. */
export const isEntered: ReadonlySignal<boolean> = computed(() => token.value !== null);
/** null: not asked yet. */
export const me = signal<Me | null>(null);
/** Why it is asked for again. */
export const refusal = signal<string | null>(null);

/** The page was given its token by its home: another one comes with a reload, not with a form. */
export const isGiven = settings.session !== null;

export function enter(typed: string): void {
  refusal.value = null;
  token.value = typed;
  keep(typed);
}

/** @param why it was refused; null: the person left */
export function leave(why: string | null): void {
  token.value = null;
  me.value = null;
  refusal.value = why;
  keep(null);
}

/** A given token lives for a short time, and each answer of `/api/me` has the next one. */
export function renewWith(session: Session): void {
  if (isGiven && token.peek() !== null) token.value = session.token;
}

// Named where there is none, or where the reader forbids it, storage throws.
function kept(): string | null {
  if (!settings.hasStorage) return null;
  try {
    return sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

function keep(typed: string | null): void {
  if (!settings.hasStorage) return;
  try {
    if (typed === null) sessionStorage.removeItem(KEPT);
    else sessionStorage.setItem(KEPT, typed);
  } catch {
    // It is kept in memory, then.
  }
}
