// What an act is for: the mails that were picked, or all that the filter finds.
// Invariant: another filter is another choice: nothing stays picked that is not shown.
import { signal } from '@preact/signals';

export const picked = signal<ReadonlySet<string>>(new Set());
export const isAll = signal(false);

export function pick(ids: readonly string[], isPicked: boolean): void {
  const changed = new Set(picked.value);
  for (const id of ids)
    if (isPicked) changed.add(id);
    else changed.delete(id);
  picked.value = changed;
  isAll.value = false;
}

export function pickNothing(): void {
  picked.value = new Set();
  isAll.value = false;
}

export function pickAll(): void {
  picked.value = new Set();
  isAll.value = true;
}
