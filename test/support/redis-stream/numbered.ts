// Changes in memory with positions as a real ledger gives them.
import type { Changes } from '../../../engine/ledger/changes';
import { FakeLedger } from '../feed/fake-ledger';

/** As on Postgres: `ledger.transaction.id.moment`. */
export class NumberedLedger implements Pick<Changes, 'changes' | 'changePositions'> {
  readonly fake = new FakeLedger();
  /** Another state of the ledger: positions of before are none any more. */
  moment = 1_000;

  /** @returns its number, from 1 */
  add(): number {
    return Number(this.fake.add().position);
  }

  readonly changes: Changes['changes'] = async (after, limit) => {
    if (!after.startsWith('ledger01.') || !after.endsWith(`.${this.moment}`)) return 'reset';
    const page = await this.fake.changes(String(Number(after.split('.')[2]) - 1), limit);
    if (page === 'reset') return page;
    const changes = page.changes.map((change) => ({ ...change, position: this.#position(change.position) }));
    return { ...page, changes, position: this.#position(page.position) };
  };

  readonly changePositions: Changes['changePositions'] = async () => {
    const { oldest, newest } = await this.fake.changePositions();
    return { oldest: this.#position(oldest), newest: this.#position(newest) };
  };

  #position(number: string): string {
    return ['ledger01', 7, Number(number) + 1, this.moment].join('.');
  }
}
