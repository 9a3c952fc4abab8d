// The contract's constraints: every row that a state's columns forbid is tried, and refused by the database.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Fixture } from './fixture';
import { literal } from './fixture';
import type { Value } from './harness';

const COLUMNS = ['due_at', 'lease_until', 'run_id', 'execution_id', 'settled_at', 'reported_at'] as const;
type Column = (typeof COLUMNS)[number];
const A_VALUE: Readonly<Record<Column, Value>> = {
  due_at: 1,
  lease_until: 1,
  run_id: 'run',
  execution_id: '1',
  settled_at: 1,
  reported_at: 1,
};

interface Form {
  readonly must: readonly Column[];
  readonly may: readonly Column[];
  /** The fewest attempts and failures. */
  readonly attempt: number;
  readonly failures: number;
}

/** What each state's columns look like; what is neither must nor may be set is null. */
const FORMS: Readonly<Record<string, Form>> = {
  PENDING: { must: ['due_at'], may: [], attempt: 0, failures: 0 },
  QUEUED: { must: ['lease_until', 'run_id'], may: ['execution_id'], attempt: 1, failures: 0 },
  RUNNING: { must: ['lease_until', 'run_id', 'execution_id'], may: [], attempt: 1, failures: 0 },
  RETRY: { must: ['due_at'], may: ['run_id', 'execution_id'], attempt: 1, failures: 1 },
  DONE: { must: ['settled_at'], may: ['run_id', 'execution_id'], attempt: 0, failures: 0 },
  GONE: { must: ['settled_at'], may: ['run_id', 'execution_id'], attempt: 0, failures: 0 },
  DEAD: { must: ['settled_at'], may: ['run_id', 'execution_id', 'reported_at'], attempt: 1, failures: 1 },
  UNKNOWN: { must: ['settled_at'], may: ['run_id', 'execution_id', 'reported_at'], attempt: 1, failures: 0 },
};

type Row = Readonly<Record<string, Value>>;

const rowOf = (state: string, set: readonly Column[], attempt: number, failures: number): Row => ({
  state,
  attempt,
  failures,
  ...Object.fromEntries(COLUMNS.map((column) => [column, set.includes(column) ? A_VALUE[column] : null])),
});

/** Every row of a state with any of the columns set, and with the attempts and failures around the limit. */
function* rows(state: string, form: Form): Generator<{ row: Row; legal: boolean }> {
  for (let bits = 0; bits < 1 << COLUMNS.length; bits++) {
    const set = COLUMNS.filter((_, i) => bits & (1 << i));
    const legal =
      form.must.every((column) => set.includes(column)) &&
      set.every((column) => form.must.includes(column) || form.may.includes(column));
    yield { row: rowOf(state, set, Math.max(1, form.attempt), form.failures), legal };
  }
  yield { row: rowOf(state, form.must, 5, 5), legal: true };
  for (const [attempt, failures] of [
    [form.attempt - 1, 0],
    [form.attempt, form.failures - 1],
    [5, 6],
    [5, -1],
  ] as const) {
    yield { row: rowOf(state, form.must, attempt, failures), legal: false };
  }
}

export function constraintsContract(fixture: Fixture): void {
  describe('constraints', () => {
    const refuses = (columns: Row): Promise<void> =>
      assert.rejects(fixture.forceEvents(columns), /constraint/i, JSON.stringify(columns));

    for (const [state, form] of Object.entries(FORMS)) {
      it(`allow ${state} in its own form, and refuse every other`, async () => {
        await fixture.record(await fixture.subscribe(), 1);
        for (const { row, legal } of rows(state, form)) {
          if (legal) await fixture.forceEvents(row);
          else await refuses(row);
        }
      });
    }

    it('refuse a state that there is not', async () => {
      await fixture.record(await fixture.subscribe(), 1);
      for (const state of ['LOST', 'done', '']) await refuses({ state, due_at: 1 });
    });

    it('refuse a second event for one mail and one subscription', async () => {
      const to = await fixture.subscribe();
      await fixture.recordMails(
        to,
        [1, 2].map((uid) => fixture.mail([to], uid, { softIdentity: `s${uid}` })),
      );
      await refuses({ identity: 'same' });
      await refuses({ soft_identity: 'same' });
      await refuses({ id: 'same' });
    });

    it('refuse settings, sources and keys that mean nothing', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1);
      const refused = (sql: string): Promise<void> =>
        assert.rejects(fixture.under.query(sql), /constraint/i, sql);
      await refused(`update subscription set guarantee = 'exactlyOnce'`);
      await refused('update subscription set keep_content_ms = -1');
      await refused('update subscription set retention_ms = -1');
      await refused(`update source set state = 'lost'`);
      await refused(`update source set connection = 'lost'`);
      await refused('update source set fence = -1');
      await refused(`update source set held_until = null where holder is not null`);
      await refused('update source set backfill_read = 1');
      await refused('update source set backfill_read = 1, backfill_left = -1');
      await refused(`update subscription set after_success = '"move"'`);
      await refused(`update subscription set when_dead = '[]'`);
      await refused('update event set message_id = 999999');
      await refused('delete from message');
      for (const [legal, leaseUntil, finishedAt, finish] of [
        [true, 1, null, 'onSuccess'],
        [true, 1, null, 'anyway'],
        [true, null, 1, 'anyway'],
        [false, 1, 1, 'anyway'],
        [false, null, null, 'anyway'],
        [false, 1, null, 'never'],
      ] as const) {
        const values = ['k', 'a', leaseUntil, finish, null, finishedAt, null].map(literal).join(', ');
        const insert = `insert into once_key (key, holder, lease_until, finish, keep_ms, finished_at, expires_at) values (${values})`;
        if (legal) await fixture.under.query(insert);
        else await refused(insert);
        await fixture.under.query('delete from once_key');
      }
      const message = (await fixture.under.query<{ id: number }>('select id from message'))[0]!.id;
      const waiting = { event_id: 'e', ending: 'DONE', subscription_id: to.id, message_id: message };
      const ofNothing = { event_id: null, ending: null, subscription_id: null, message_id: null };
      for (const [legal, columns] of [
        [true, waiting],
        [true, { ...waiting, ending: 'DEAD', last_error: 'no', last_error_at: 1, tries: 1, begun_at: 1 }],
        [false, { ...waiting, ending: 'GONE' }],
        [false, { ...waiting, action: '"flag"' }],
        [false, { ...waiting, last_error: 'no' }],
        [false, { ...waiting, tries: 1 }],
        [false, { ...waiting, begun_at: 1 }],
        [false, { ...waiting, tries: -1, begun_at: 1 }],
        [false, { ...waiting, message_id: null }],
        [false, { ...waiting, message_id: 999_999 }],
        [false, { ...waiting, subscription_id: null }],
        [false, { ...waiting, event_id: null }],
        [false, { ...waiting, ended_at: 1 }],
        [true, { ...waiting, ended_at: 1, message_id: null }],
        [true, ofNothing],
        [true, { ...ofNothing, ended_at: 1 }],
        [false, { ...ofNothing, message_id: message }],
      ] as const) {
        const row: Row = {
          lane: 'source:1',
          kind: 'flag',
          action: '{"kind":"flag"}',
          ...columns,
          due_at: 1,
          created_at: 1,
        };
        const insert = `insert into errand (${Object.keys(row).join(', ')}) values (${Object.values(row).map(literal).join(', ')})`;
        if (legal) await fixture.under.query(insert);
        else await refused(insert);
        // One waits for one end of an event; what was done, and what belongs to none, is in nobody's way.
        if (legal && row['event_id'] !== null && row['message_id'] !== null) await refused(insert);
        else if (legal) await fixture.under.query(insert);
        await fixture.under.query('delete from errand');
      }
    });
  });
}
