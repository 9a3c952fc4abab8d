// The time by the server's clock, for "4 min ago": a reader's clock may be wrong by minutes.
// Invariant: nothing else is told by it; what has to wait, waits by a clock that never jumps.
import { signal, type ReadonlySignal } from '@preact/signals';

/** A clock that is right so far is not corrected: it would tremble. */
const RIGHT_WITHIN_MS = 2_000;

let ahead = 0;
const ticking = signal(Date.now());

/** ms since 1970, each second while the page is seen. */
export const now: ReadonlySignal<number> = ticking;

/** @param at what the server's clock says just now, ms since 1970 */
export function tellTime(at: number): void {
  const found = at - Date.now();
  if (Math.abs(found - ahead) > RIGHT_WITHIN_MS) ahead = Math.abs(found) > RIGHT_WITHIN_MS ? found : 0;
}

const tick = (): void => {
  if (!document.hidden) ticking.value = Date.now() + ahead;
};

setInterval(tick, 1_000);
document.addEventListener('visibilitychange', tick);
