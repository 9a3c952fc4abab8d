// What an act is for: what was picked, or all that the filter finds.
// Invariant: another filter is another choice: nothing stays picked that is not shown.
import { signal } from '@preact/signals';

export class Selection {
  readonly picked = signal<ReadonlySet<string>>(new Set());
  readonly isAll = signal(false);

  pick(ids: readonly string[], isPicked: boolean): void {
    const changed = new Set(this.picked.value);
    for (const id of ids)
      if (isPicked) changed.add(id);
      else changed.delete(id);
    this.picked.value = changed;
    this.isAll.value = false;
  }

  pickNothing(): void {
    this.picked.value = new Set();
    this.isAll.value = false;
  }

  pickAll(): void {
    this.picked.value = new Set();
    this.isAll.value = true;
  }
}
