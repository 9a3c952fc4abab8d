// A ledger that the version before made, with something of everything under way, and then brought up to date: nothing of
// it is lost, and nothing is done twice. sqlite-8.gz and postgres-7.sql are such ledgers; both have had the same lives.
//
// Invariant: what is expected stands here in words, so that no ledger is held against what another code made of it.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Errand } from '../../../engine/ledger/errands';
import type { NewSubscription, Subscription } from '../../../engine/ledger/subscriptions';
import type { SourceHold } from '../../../engine/ledger/source-holds';
import { type Fixture, LEASE_MS, success } from '../contract/fixture';
import type { Value } from '../contract/harness';
import { held } from '../held';

type Row = Readonly<Record<string, Value>>;

/** What the ledger held before it was brought up to date, table by table. */
export type Before = Readonly<Record<(typeof TABLES)[number], readonly Row[]>>;

export const TABLES = [
  ...([
    'source',
    'subscription',
    'message',
    'event',
    'seen',
    'once_key',
    'ownership',
    'mail_action',
  ] as const),
  'content',
] as const;

/** @param columns of content its bytes are left out */
export const selectAll = (table: (typeof TABLES)[number] | 'errand'): string =>
  `select ${table === 'content' ? 'message_id, drop_at' : '*'} from ${table} order by 1, 2`;

/** The newest mail of one source says that it came in days to come. Done to the ledger of before. */
export const DATE_AHEAD = `
  update message set received_at = 4102444800000
  where id = (select max(message.id) from message join source on source.id = source_id where mailbox = 'INBOX')`;

const YEARS_MS = 315_360_000_000;
const HOUR_MS = 3_600_000;
const move: Errand = { kind: 'move', mailbox: 'Done "1" é', takesAway: true };
const copy: Errand = { kind: 'copy', mailbox: 'Copies' };
const label: Errand = { kind: 'changeLabels', add: ['Label_1'], remove: ['INBOX'] };
const INBOX = { kind: 'imap', account: 'ann@mail.example', mailbox: 'INBOX' };
const SUPPORT = { ...INBOX, mailbox: 'Support' };
const GMAIL = { kind: 'gmail', account: 'ann@gmail.example', mailbox: 'All Mail' };

type Settings = Partial<NewSubscription> & Pick<NewSubscription, 'workflowId' | 'source'>;

/** The triggers, as they subscribed before and do again. */
const TRIGGERS: readonly Settings[] = [
  {
    ...{ workflowId: 'orders', source: INBOX, retryDelaysMs: [30_000, 60_000] },
    ...{ afterSuccess: move, whenDead: { kind: 'flag' } },
  },
  {
    ...{ workflowId: 'copies', source: INBOX, keepContentMs: YEARS_MS },
    ...{ afterSuccess: copy, whenDead: { kind: 'markRead' } },
  },
  {
    ...{ workflowId: 'once', source: SUPPORT, guarantee: 'atMostOnce' },
    ...{
      afterSuccess: { kind: 'delete', takesAway: true },
      whenDead: { kind: 'addKeyword', keyword: 'failed' },
    },
  },
  {
    ...{ workflowId: 'gmail', source: GMAIL, retryDelaysMs: [30_000] },
    ...{ afterSuccess: label, whenDead: { kind: 'trash' } },
  },
  { workflowId: 'left', source: SUPPORT, nodeId: 'gone' },
];

/** How each mail ends, and how often it still runs for that. */
const ENDS: Readonly<Record<string, readonly [state: string, runs: number]>> = {
  'orders uid:1:1:INBOX': ['DONE', 0],
  'orders uid:1:5:INBOX': ['DONE', 0],
  'orders uid:1:6:INBOX': ['DONE', 1],
  'orders uid:1:7:INBOX': ['GONE', 0],
  'orders uid:1:8:INBOX': ['DONE', 1],
  'orders uid:1:9:INBOX': ['DONE', 1],
  'orders uid:1:10:INBOX': ['DONE', 1],
  'orders uid:1:11:INBOX': ['DONE', 1],
  'copies uid:1:1:INBOX': ['DONE', 0],
  'copies uid:1:2:INBOX': ['DONE', 0],
  'copies uid:1:3:INBOX': ['DEAD', 0],
  'copies uid:1:5:INBOX': ['DONE', 1],
  'copies uid:1:6:INBOX': ['DONE', 1],
  'once uid:1:1:Support': ['UNKNOWN', 0],
  'once uid:1:2:Support': ['DEAD', 0],
  'once uid:1:3:Support': ['DONE', 0],
  'once uid:1:4:Support': ['UNKNOWN', 0],
  'left uid:1:4:Support': ['DONE', 1],
  'gmail gmail:m1': ['DONE', 0],
  'gmail gmail:m2': ['DEAD', 0],
  'gmail gmail:m3': ['DONE', 1],
  'gmail gmail:m4': ['DONE', 1],
};

/** What is then done on the servers, with how often it was begun before. */
const DONE_THERE = [
  ...['copies uid:1:1:INBOX copy 2', 'copies uid:1:3:INBOX markRead 1', 'copies uid:1:4:INBOX copy 0'],
  ...['copies uid:1:5:INBOX copy 0', 'copies uid:1:6:INBOX copy 0'],
  ...['orders uid:1:1:INBOX move 0', 'orders uid:1:5:INBOX move 0', 'orders uid:1:6:INBOX move 0'],
  ...['orders uid:1:8:INBOX move 0', 'orders uid:1:9:INBOX move 0', 'orders uid:1:10:INBOX move 0'],
  ...['orders uid:1:11:INBOX move 0', 'once uid:1:2:Support addKeyword 0', 'once uid:1:3:Support delete 0'],
  ...['gmail gmail:m1 changeLabels 0', 'gmail gmail:m2 trash 0', 'gmail gmail:m3 changeLabels 0'],
  'gmail gmail:m4 changeLabels 0',
];

const TOLD = [
  ...['copies uid:1:3:INBOX DEAD', 'gmail gmail:m2 DEAD'],
  ...['once uid:1:2:Support DEAD', 'once uid:1:4:Support UNKNOWN'],
];

/** @param fixture on a ledger that was brought up to date @param before what was in it */
export function ledgerOfBefore(fixture: Fixture, before: () => Before): void {
  const workflows = new Map<number, string>();

  const subscribeAll = async (): Promise<Subscription[]> => {
    const all: Subscription[] = [];
    for (const { nodeId = 'trigger', ...settings } of TRIGGERS) {
      const to = await fixture.ledger.subscribe({
        ...{ retryDelaysMs: [], guarantee: 'atLeastOnce', keepContentMs: 0, retentionMs: YEARS_MS },
        ...{ afterSuccess: null, whenDead: null, nodeId, nodeName: 'Trigger' },
        present: [{ id: nodeId, name: 'Trigger' }],
        ...settings,
      });
      workflows.set(to.id, settings.workflowId);
      all.push(to);
    }
    return all;
  };

  it('holds all that it held, and what was to be done with mails as errands', async () => {
    for (const table of TABLES.filter((name) => name !== 'mail_action')) {
      const rows = await fixture.under.query<Row>(selectAll(table));
      assert.deepEqual(rows.map(asBefore), before()[table], table);
    }
    const errands = await fixture.under.query<Row>(selectAll('errand'));
    assert.deepEqual(
      errands.map(({ lane, kind, takes_away, tries, begun_at, ended_at, action, ...same }) => {
        assert.equal(kind, (JSON.parse(String(action)) as Errand).kind);
        assert.equal(Boolean(takes_away), kind === 'move' || kind === 'delete');
        assert.deepEqual([begun_at !== null, ended_at], [tries !== 0, null]);
        return {
          ...same,
          action: withoutTakesAway(action!),
          begun: tries,
          source_id: Number(String(lane).slice(7)),
        };
      }),
      before().mail_action.map((row) => ({ ...row })),
    );
  });

  it('tells of no mail that came after it was recorded', async () => {
    const sources = await fixture.under.query<{ mailbox: string; last: number; recorded: number }>(`
      select mailbox, last_mail_at as last,
        (select max(recorded_at) from message where source_id = source.id) as recorded
      from source`);
    assert.equal(sources.length, 3);
    for (const { mailbox, last, recorded } of sources) {
      assert.ok(last <= recorded, `${mailbox}: ${last} and ${recorded}`);
      assert.equal(last === recorded, mailbox === 'INBOX', mailbox);
    }
  });

  it('goes on where it was: its places, a backfill, its keys, and no mail is new to it', async () => {
    const { ledger } = fixture;
    const triggers = await subscribeAll();
    assert.deepEqual(
      triggers.map(({ id, cursor }) => ({ id, cursor: cursor && JSON.stringify(cursor) })),
      before().subscription.map(({ id, cursor }) => ({ id, cursor })),
    );
    const sources = await ledger.sources();
    assert.deepEqual(
      sources
        .map(({ mailbox, backfill, recovered, notifiedUntil, actionsWaiting, actionError }) => [
          ...[mailbox, backfill, recovered, notifiedUntil, actionsWaiting, actionError],
        ])
        .sort(),
      [
        ['All Mail', { read: 4, left: 36 }, 2, 1_800_000_000_000, 2, null],
        ['INBOX', null, null, null, 5, 'There is still no mailbox Copies.'],
        ['Support', null, null, null, 2, null],
      ],
    );
    const ask = (
      keys: readonly string[],
      finish: 'onSuccess' | 'anyway',
    ): Promise<ReadonlyMap<string, string>> =>
      ledger.takeKeys({
        keys,
        holder: 'another run',
        leaseMs: LEASE_MS,
        finish,
        keepMs: null,
        unrenewed: [],
      });
    assert.deepEqual(
      [...(await ask(['finished at once', 'finished by its run'], 'onSuccess')).values()],
      ['finished', 'finished'],
    );
    // Its run goes on, late, and ends well.
    await ledger.endKeys('run 111', 'success');
    assert.deepEqual(
      [...(await ask(['held until success', 'held anyway'], 'anyway')).values()],
      ['finished', 'finished'],
    );
    const all = before().message.map((row) => row['identity']);
    for (const to of triggers) {
      const mails = [...all, 'uid:1:4:INBOX'].map((identity) => ({
        ...fixture.mail([to], 1, { identity: String(identity) }),
      }));
      const had = before()
        .event.filter((row) => row['subscription_id'] === to.id)
        .map((row) => row['identity']);
      const asked = await ledger.unrecorded(
        mails.map(({ identity, due }) => ({
          ...{ identity, softIdentity: null, accountWide: false, due },
        })),
      );
      const known = asked.filter(({ due }) => due.length === 0).map(({ identity }) => identity);
      const swept = workflows.get(to.id) === 'copies' ? ['uid:1:4:INBOX'] : [];
      assert.deepEqual([...new Set(known)].sort(), [...had, ...swept].sort());
    }
  });

  it('is run to its end, each mail as often as it still has to, and each errand once', async () => {
    const { ledger } = fixture;
    const triggers = await subscribeAll();
    const names = new Map(
      (
        await fixture.under.query<{ id: string; subscription_id: number; identity: string }>(
          'select id, subscription_id, identity from event',
        )
      ).map(({ id, subscription_id: to, identity }) => [id, `${workflows.get(to)} ${identity}`]),
    );
    const runs = new Map([...names.values()].map((name) => [name, 0]));
    for (let round = 0; round < 6; round++) {
      await fixture.elapse(HOUR_MS);
      for (const to of triggers) {
        const claimed = await fixture.claim(await fixture.pointers(to));
        for (const { event } of claimed) runs.set(names.get(event)!, runs.get(names.get(event)!)! + 1);
        await fixture.settle(claimed, success);
      }
    }
    const states = (await fixture.events()).map(({ id, state }) => [names.get(id)!, state] as const);
    assert.deepEqual(
      Object.fromEntries(states.map(([name, state]) => [name, [state, runs.get(name)]])),
      ENDS,
    );
    // Each run that ended is a try from now on; when those began that the version before had begun, nobody noted.
    const tries = await fixture.under.query<{ state: string; began_at: number | null }>(
      'select state, began_at from try',
    );
    const sum = (numbers: Iterable<number>): number => [...numbers].reduce((all, one) => all + one, 0);
    assert.equal(tries.filter(({ state }) => state === 'DONE').length, sum(runs.values()));
    assert.ok(tries.every(({ state, began_at: began }) => (began === null) === (state !== 'DONE')));
    assert.ok(tries.some(({ began_at: began }) => began === null));
    const points = await ledger.series({ from: 0, until: 9e12, step: 'hour' });
    assert.equal(sum(points.map(({ done }) => done)), sum(runs.values()));
    const told = await ledger.takeEnded(
      triggers.map(({ id }) => id),
      100,
    );
    assert.deepEqual(told.map(({ event, state }) => `${names.get(event)} ${state}`).sort(), TOLD);

    const done: string[] = [];
    for (const sourceId of new Set(triggers.map((to) => to.sourceId)))
      done.push(...(await allErrands(await held(ledger, sourceId))));
    assert.deepEqual([...done].sort(), [...DONE_THERE].sort());
    assert.ok(done.indexOf('copies uid:1:1:INBOX copy 2') < done.indexOf('orders uid:1:1:INBOX move 0'));
    assert.equal(await fixture.count('errand'), 0);
    assert.equal(await fixture.count('event'), names.size);
    assert.equal(
      await fixture.count('message'),
      before().message.length - 1,
      'the one without events is gone',
    );
  });

  it('takes what code of before still writes, when a run of it ends after the ledger was brought up to date', async () => {
    const [orders] = await subscribeAll();
    const [running] = await fixture.under.query<{ id: string; message_id: number }>(
      `select id, message_id from event where subscription_id = ${orders!.id} and state = 'RUNNING'`,
    );
    const { id, message_id: message } = running!;
    for (let told = 0; told < 2; told++)
      await fixture.under.query(
        `insert into mail_action
          (source_id, subscription_id, message_id, event_id, ending, action, due_at, created_at)
        values (${orders!.sourceId}, ${orders!.id}, ${message}, '${id}', 'DONE',
          '{"kind":"move","mailbox":"Done \\"1\\" é"}', 1, 1)
        on conflict (event_id, ending) do nothing`,
      );
    const hold = await held(fixture.ledger, orders!.sourceId);
    const dues = await fixture.ledger.takeErrands(hold, 100, LEASE_MS);
    assert.deepEqual(
      dues.filter(({ event }) => event === id).map(({ action, tries }) => ({ action, tries })),
      [{ action: move, tries: 0 }],
    );
    assert.deepEqual(await fixture.under.query('select * from mail_action'), []);
  });

  /** Does all that is to be done in the source. */
  async function allErrands(hold: SourceHold): Promise<string[]> {
    const done: string[] = [];
    for (;;) {
      await fixture.elapse(HOUR_MS);
      const dues = await fixture.ledger.takeErrands(hold, 3, LEASE_MS);
      if (dues.length === 0) return done;
      await fixture.ledger.finishErrands(dues.map(({ id }) => id));
      for (const { subscriptionId: id, identity, action, tries } of dues)
        done.push(`${workflows.get(id)} ${identity} ${action.kind} ${tries}`);
    }
  }
}

/**
 * The row without what was added since: nobody knows yet what a trigger takes, when a run began, or since when a source is
 * read, is not, or a trigger listens; when its newest mail came is known.
 */
function asBefore({ after_success: afterSuccess, when_dead: whenDead, ...added }: Row): Row {
  const { reading = null, began_at = null, read_since = null, failing_since = null, ...others } = added;
  const { next_try_at = null, last_mail_at = null, released_at = null, served_since = null, ...row } = others;
  const unknown = [reading, began_at, read_since, failing_since, next_try_at, released_at, served_since];
  assert.deepEqual(unknown, Array(7).fill(null));
  if ('mailbox' in row) assert.ok(last_mail_at);
  if (afterSuccess === undefined || whenDead === undefined) return row;
  return { ...row, after_success: withoutTakesAway(afterSuccess), when_dead: withoutTakesAway(whenDead) };
}

const withoutTakesAway = (action: Value): Value =>
  typeof action === 'string' ? action.replace(',"takesAway":true}', '}') : action;
