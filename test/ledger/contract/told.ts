// A reader of changes, as a feed is one: it began at some time, and has been told all that came since.
// Invariant: it waits until it has been told of the newest one that is stored, so that what is late counts as told. (On
// Postgres a transaction of the server's own, such as analyze, delays what is told.)
import assert from 'node:assert/strict';
import type { Change } from '../../../engine/ledger/changes';
import type { Ledger } from '../../../engine/ledger/ledger';
import { until } from '../../support/until';
import type { Fixture } from './fixture';

export class Told {
  readonly #fixture: Fixture;
  readonly #ledger: Ledger;
  #position: string;

  private constructor(fixture: Fixture, ledger: Ledger, position: string) {
    this.#fixture = fixture;
    this.#ledger = ledger;
    this.#position = position;
  }

  /** What becomes so from now on. */
  static async from(fixture: Fixture, ledger: Ledger = fixture.ledger): Promise<Told> {
    const last = await newestId(fixture);
    const position = await until('the newest change may be told', async () => {
      const { newest } = await ledger.changePositions();
      return isOf(newest, last) && newest;
    });
    return new Told(fixture, ledger, position);
  }

  /** All that came since it was asked last, in its order. */
  async news(): Promise<Change[]> {
    const last = await newestId(this.#fixture);
    const told: Change[] = [];
    await until('all that is stored is told', async () => {
      const page = await this.#ledger.changes(this.#position, 1_000);
      assert.ok(page !== 'reset');
      this.#position = page.position;
      told.push(...page.changes);
      return isOf(page.position, last);
    });
    return told;
  }
}

async function newestId(fixture: Fixture): Promise<number> {
  const [row] = await fixture.under.query<{ id: number }>('select max(id) as id from change');
  return row!.id;
}

/** The one thing that is known here of what a position says. */
const isOf = (position: string, id: number): boolean => position.split('.').at(-2) === String(id);
