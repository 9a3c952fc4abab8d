// The contract of changes: what becomes of mails and sources is told, all of it and nothing else, in its order, to whoever
// goes on after any position; or it is said that this cannot be.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Change, type ChangePage, KEEP_CHANGES_MS, MOST_CHANGES } from '../../../engine/ledger/changes';
import { LedgerFault } from '../../../engine/ledger/fault';
import type { SourceReport } from '../../../engine/ledger/sources';
import type { Subscription } from '../../../engine/ledger/subscriptions';
import { failure, type Fixture, gone, LEASE_MS, success } from './fixture';
import { Told } from './told';

/** Of an event: its type and state; of anything else: its type and all that it says. */
const brief = ({ type, details }: Change): string => {
  const { state, forgotten, errand, ended, tries } = details as Readonly<Record<string, string>>;
  if (errand !== undefined) return `${type} ${errand} ${ended} ${tries}`;
  if (!type.startsWith('email.')) return `${type} ${JSON.stringify(details)}`;
  return `${type} ${state}${forgotten ? ' forgotten' : ''}`;
};

export function changesContract(fixture: Fixture): void {
  /** Briefly, what is told of some work. */
  const toldOf = async (work: () => Promise<unknown>): Promise<string[]> => {
    const told = await Told.from(fixture);
    await work();
    return (await told.news()).map(brief);
  };

  const subscribed = (): Promise<Subscription> => fixture.subscribe('workflow', { retryDelaysMs: [1_000] });

  describe('changes', () => {
    it('tell what becomes of a mail, with what is known then, and none of its content', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [0] });
      const told = await Told.from(fixture);
      await fixture.record(to, 1);
      const [first] = await fixture.pointers(to);
      await fixture.claim([first!], '41');
      await fixture.settle([first!], failure);
      const [second] = await fixture.pointers(to);
      await fixture.claim([second!], '42');
      await fixture.settle([second!], success);
      const news = await told.news();
      const [mail] = await fixture.events();
      const dueAt = news[2]?.details['dueAt'];
      assert.deepEqual(
        news.map(({ position: _, at: __, ...change }) => change),
        (
          [
            ['email.new', { state: 'PENDING', attempt: 0, failures: 0, dueAt: news[0]?.details['dueAt'] }],
            ['email.started', { state: 'RUNNING', attempt: 1, failures: 0, execution: '41' }],
            ['email.failed', { state: 'RETRY', attempt: 1, failures: 1, dueAt }],
            ['email.started', { state: 'RUNNING', attempt: 2, failures: 1, execution: '42' }],
            ['email.done', { state: 'DONE', attempt: 2, failures: 1 }],
          ] as const
        ).map(([type, details]) => ({
          ...{ type, sourceId: to.sourceId, event: mail!.id, workflowId: 'workflow', details },
        })),
      );
      assert.ok(Math.abs(Number(dueAt) - news[2]!.at) < 1_000);
      assert.ok(news.every(({ at }) => Math.abs(at - Date.now()) < 60_000));
      assert.doesNotMatch(JSON.stringify(news), /bob@mail\.example|Mail 1/);
    });

    it('tell each mail of a batch to each of its workflows', async () => {
      const [first, second] = [await fixture.subscribe('first'), await fixture.subscribe('second')];
      const told = await Told.from(fixture);
      await fixture.recordMails(first, [
        fixture.mail([first, second], 1),
        fixture.mail([first], 2),
        fixture.mail([second], 3, { gone: true, content: null }),
      ]);
      const names = new Map((await fixture.events()).map(({ id }, place) => [id, place]));
      assert.deepEqual(
        (await told.news()).map(({ workflowId, event, details }) => [
          ...[workflowId, names.get(event!), details['state']],
        ]),
        [
          ['first', 0, 'PENDING'],
          ['second', 1, 'PENDING'],
          ['first', 2, 'PENDING'],
          ['second', 3, 'GONE'],
        ],
      );
    });

    it('tell how runs end without success', async () => {
      const dead = await fixture.subscribe('dead', { retryDelaysMs: [] });
      const once = await fixture.subscribe('once', { guarantee: 'atMostOnce' });
      await fixture.recordMails(
        dead,
        [1, 2, 3].map((uid) => fixture.mail([dead, once], uid)),
      );
      const [one, two, three] = await fixture.running(dead);
      assert.deepEqual(await toldOf(() => fixture.settle([one!], failure)), ['email.dead DEAD']);
      assert.deepEqual(await toldOf(() => fixture.settle([two!], gone)), ['email.updated GONE']);
      assert.deepEqual(await toldOf(() => fixture.settle([three!], success)), ['email.done DONE']);
      await fixture.running(once);
      await fixture.elapse(2 * LEASE_MS);
      assert.deepEqual(
        await toldOf(() => fixture.offer(once)),
        Array.from({ length: 3 }, () => 'email.updated UNKNOWN'),
      );
    });

    it('tell what people do', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [60_000] });
      const { ledger } = fixture;
      const [one] = await fixture.failed(to, 1);
      const of = { ids: [one!] };
      assert.deepEqual(await toldOf(() => ledger.retryNow(of)), ['email.updated RETRY']);
      assert.deepEqual(await toldOf(() => ledger.takeByHand([one!], '7', LEASE_MS)), [
        'email.started RUNNING',
      ]);
      const [running] = await fixture.events();
      await fixture.settle([{ event: one!, attempt: running!.attempt }], success);
      assert.deepEqual(await toldOf(() => ledger.replay(of)), ['email.updated PENDING']);
      assert.deepEqual(await toldOf(() => ledger.markDone(of)), ['email.updated DONE']);
      assert.deepEqual(await toldOf(() => ledger.forget(of)), ['email.updated DONE forgotten']);
      assert.deepEqual(await toldOf(() => ledger.retryNow(of)), []);
    });

    it('tell who did what by hand, of each event that it changed', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [60_000] });
      const other = await fixture.subscribe('other', { retryDelaysMs: [] });
      const { ledger } = fixture;
      const ids = await fixture.failed(to, 1, 2);
      await fixture.failed(other, 1);
      const deeds = async (work: () => Promise<unknown>): Promise<unknown[]> => {
        const told = await Told.from(fixture);
        await work();
        return (await told.news()).map(({ event, details: { state, what, by, forgotten } }) => [
          ...[ids.indexOf(event!), state, what, by],
          ...(forgotten ? ['forgotten'] : []),
        ]);
      };
      assert.deepEqual(await deeds(() => ledger.retryNow({ ids }, 'console "ä\\" (operate)')), [
        [0, 'RETRY', 'retryNow', 'console "ä\\" (operate)'],
        [1, 'RETRY', 'retryNow', 'console "ä\\" (operate)'],
      ]);
      assert.deepEqual(await deeds(() => ledger.markDone({ filter: { workflowId: 'workflow' } })), [
        [0, 'DONE', 'markDone', null],
        [1, 'DONE', 'markDone', null],
      ]);
      // The mail is that of both workflows.
      assert.deepEqual(await deeds(() => ledger.forget({ ids: [ids[0]!] }, 'ann')), [
        [0, 'DONE', 'forget', 'ann', 'forgotten'],
        [-1, 'DEAD', 'forget', 'ann', 'forgotten'],
      ]);
      assert.deepEqual(await deeds(() => ledger.replay({ ids: [ids[1]!, 'none'] }, 'x'.repeat(200))), [
        [1, 'PENDING', 'replay', 'x'.repeat(100)],
      ]);
    });

    it('tell of an offer that nobody claimed, and of no offer, no renewal and no telling', async () => {
      const to = await fixture.subscribe('workflow', { retryDelaysMs: [] });
      await fixture.record(to, 1, 2);
      const told = await Told.from(fixture);
      const [one, two] = await fixture.pointers(to);
      await fixture.ledger.renew([one!, two!], 'QUEUED', LEASE_MS);
      assert.deepEqual(await told.news(), []);
      await fixture.ledger.release([one!], 'no');
      assert.deepEqual((await told.news()).map(brief), ['email.updated PENDING']);
      await fixture.claim([two!]);
      await fixture.settle([two!], failure);
      await told.news();
      await fixture.ledger.takeEnded([to.id], 10);
      assert.deepEqual(await told.news(), []);
    });

    it('tell what was done on the server, and what it refused', async () => {
      const to = await fixture.subscribe('workflow', { afterSuccess: { kind: 'flag "a"' } });
      await fixture.record(to, 1);
      await fixture.run(to, success);
      const [due] = await fixture.ledger.takeErrands(fixture.hold(to), 10, LEASE_MS);
      const told = await Told.from(fixture);
      await fixture.ledger.postponeErrands([due!.id], 'no', 1);
      await fixture.ledger.finishErrands([due!.id]);
      await fixture.ledger.finishErrands([due!.id]);
      const news = await told.news();
      assert.deepEqual(news.map(brief), [
        'email.updated flag "a" refused 1',
        'email.updated flag "a" done 1',
      ]);
      const [event] = await fixture.events();
      for (const { event: of, workflowId, sourceId } of news)
        assert.deepEqual([of, workflowId, sourceId], [event!.id, 'workflow', to.sourceId]);
    });

    it('tell how a source is, how far older mail was read, and what was recovered', async () => {
      const told = await Told.from(fixture);
      const to = await fixture.subscribe();
      assert.deepEqual((await told.news()).map(brief), [
        'source.state {"state":"pending","connection":"closed","notifiedUntil":null}',
      ]);
      const report = (more: Partial<SourceReport>): Promise<string[]> =>
        toldOf(() =>
          fixture.ledger.reportSource(fixture.hold(to), { state: 'idle', connection: 'idling', ...more }),
        );
      const idle = 'source.state {"state":"idle","connection":"idling","notifiedUntil":null}';
      const reports: (readonly [Partial<SourceReport>, readonly string[]])[] = [
        [{ backfill: { read: 0, left: 30 } }, [idle, 'sync.started {"read":0,"left":30}']],
        [{ synced: true }, []],
        [{ backfill: { read: 10, left: 20 } }, ['sync.first_batch {"read":10,"left":20}']],
        [{ backfill: { read: 10, left: 20 } }, []],
        [{ backfill: { read: 20, left: 10 } }, ['sync.progress {"read":20,"left":10}']],
        [{ backfill: null }, ['sync.completed {}']],
        [
          { backfill: { read: 5, left: 6 } },
          ['sync.started {"read":5,"left":6}', 'sync.first_batch {"read":5,"left":6}'],
        ],
        [
          { state: 'retry_scheduled', connection: 'backing_off', error: 'it is "away"' },
          [
            'source.state {"state":"retry_scheduled","connection":"backing_off","notifiedUntil":null}',
            'sync.error {"error":"it is \\"away\\""}',
          ],
        ],
        [{}, [idle]],
        [{ recovered: 3 }, ['source.recovered {"recovered":3}']],
        [
          { notifiedUntil: 1_800_000_000_000 },
          ['source.state {"state":"idle","connection":"idling","notifiedUntil":1800000000000}'],
        ],
      ];
      for (const [of, expected] of reports)
        assert.deepEqual((await report(of)).map(withoutSpaces), expected, JSON.stringify(of));
      const last = await Told.from(fixture);
      await report({ error: 'x'.repeat(10_000) });
      const [error] = await last.news();
      assert.deepEqual([error?.sourceId, error?.event, error?.workflowId], [to.sourceId, null, null]);
      assert.ok(JSON.stringify(error?.details).length < 1_000);
    });

    it('tell nothing that was rolled back, and nothing that a process tried which had lost the right to', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1);
      const [pointer] = await fixture.running(to);
      const stale = { ...fixture.hold(to), fence: fixture.hold(to).fence - 1 };
      const { ledger } = fixture;
      const told = await toldOf(async () => {
        await fixture.under.query('begin');
        await fixture.under.query(`update event set state = 'DONE', lease_until = null, settled_at = 1`);
        await fixture.under.query(`update source set state = 'error'`);
        await fixture.under.query('rollback');
        const mails = [fixture.mail([to], 2), fixture.mail([{ ...to, id: 999 }], 3)];
        await assert.rejects(fixture.recordMails(to, mails), LedgerFault);
        const recording = ledger.record({ hold: stale, messages: [fixture.mail([to], 2)], cursors: [] });
        await assert.rejects(recording, LedgerFault);
        await ledger.reportSource(stale, { state: 'error', connection: 'closed', error: 'no' });
        await fixture.settle([{ ...pointer!, attempt: pointer!.attempt - 1 }], success);
        await fixture.claim([pointer!]);
      });
      assert.deepEqual(told, []);
      assert.deepEqual(await toldOf(() => fixture.settle([pointer!], success)), ['email.done DONE']);
    });

    it('are there from another process that writes to the tables, whatever its version', async () => {
      const to = await fixture.subscribe();
      await fixture.record(to, 1);
      await fixture.running(to);
      assert.deepEqual(
        await toldOf(() =>
          fixture.under.query(`update event set state = 'DONE', lease_until = null, settled_at = 1`),
        ),
        ['email.done DONE'],
      );
    });

    it('go on after each position with exactly the rest, in pages of any size, and filtered', async () => {
      const [first, second] = [await subscribed(), await fixture.subscribe('second')];
      const { oldest } = await fixture.ledger.changePositions();
      const told = await Told.from(fixture);
      await fixture.recordMails(
        first,
        [1, 2, 3].map((uid) => fixture.mail([first, second], uid)),
      );
      await fixture.run(first, failure);
      await fixture.run(second, success);
      const news = await told.news();
      assert.equal(news.length, 18);
      const from = async (
        after: string,
        limit: number,
        filter: Parameters<typeof fixture.ledger.changes>[2] = {},
      ): Promise<Change[]> => {
        const found: Change[] = [];
        for (let position = after; ;) {
          const page = await fixture.ledger.changes(position, limit, filter);
          assert.ok(page !== 'reset');
          found.push(...page.changes);
          if (!page.more) return found;
          position = page.position;
        }
      };
      assert.equal(new Set(news.map(({ position }) => position)).size, news.length);
      for (const [place, { position }] of news.entries())
        assert.deepEqual(await from(position, 1 + (place % 5)), news.slice(place + 1));
      assert.deepEqual((await from(oldest, 7)).slice(-18), news);
      const { newest } = await fixture.ledger.changePositions();
      assert.equal(newest, news.at(-1)!.position);
      assert.deepEqual(await from(newest, 1), []);

      const start = news[0]!.position;
      assert.deepEqual(
        (await from(start, 4, { types: ['email.done'], workflowId: 'second' })).map(brief),
        Array.from({ length: 3 }, () => 'email.done DONE'),
      );
      assert.deepEqual(await from(start, 4, { types: ['email.done'], workflowId: 'workflow' }), []);
      assert.equal((await from(start, 4, { sourceId: first.sourceId })).length, 17);
      assert.deepEqual(await from(start, 4, { sourceId: first.sourceId + 1 }), []);
      assert.deepEqual(await from(start, 4, { since: news.at(-1)!.at + 60_000 }), []);
      assert.deepEqual(await from(start, 4, { since: news[0]!.at }), news.slice(1));
    });

    it('answer a reset to what is no position of this ledger', async () => {
      const to = await subscribed();
      await fixture.record(to, 1);
      await Told.from(fixture);
      const { newest } = await fixture.ledger.changePositions();
      const again = (position: string): Promise<unknown> => fixture.ledger.changes(position, 10);
      assert.notEqual(await again(newest), 'reset');
      const ahead = newest.replace(/\d+(\.\d+)$/, '99999999$1');
      const otherLedger = newest.replace(/^\w/, (digit) => (digit === '0' ? '1' : '0'));
      const otherMoment = newest.replace(/\d$/, (digit) => (digit === '0' ? '1' : '0'));
      const odd = [
        '',
        '.',
        '..',
        '...',
        'x',
        `${newest}.1`,
        newest.replace(/\d+(\.\d+)$/, "1'$1"),
        '9'.repeat(99),
      ];
      odd.push(newest.replace(/\d+(\.\d+)$/, `${'9'.repeat(40)}$1`));
      for (const position of [ahead, otherLedger, otherMoment, ...odd])
        assert.equal(await again(position), 'reset', position);
    });

    it('are found by a time: where a reader begins that wants what became so since', async () => {
      const { ledger } = fixture;
      const to = await subscribed();
      await fixture.record(to, ...Array.from({ length: 40 }, (_, n) => n));
      // Each a transaction of its own, in a millisecond of its own.
      for (let uid = 100; uid < 110; uid++) {
        await sleep(2);
        await fixture.record(to, uid);
      }
      await Told.from(fixture);
      // An hour from one to the next; what one transaction did has one time.
      await fixture.under.query(
        `update change set at = ${Date.now()} - 3600000 * (
          select count(distinct later.at) from change later where later.at > change.at)`,
      );
      const { oldest, newest } = await ledger.changePositions();
      const page: ChangePage | 'reset' = await ledger.changes(oldest, 1_000);
      assert.ok(page !== 'reset');
      const moments = [...new Set(page.changes.map(({ at }) => at))];
      assert.ok(moments.length >= 11);
      for (const since of [moments[0]!, moments[3]!, moments.at(-2)!, moments.at(-1)! - 600_000]) {
        const position = await ledger.changeAt(since);
        const found: ChangePage | 'reset' = await ledger.changes(position, 1_000);
        assert.ok(found !== 'reset');
        const wanted: Change[] = page.changes.filter(({ at }) => at >= since);
        assert.deepEqual(found.changes, wanted);
      }
      for (const early of [0, Date.parse('0001-01-01'), -8.64e15])
        assert.equal(await ledger.changeAt(early), oldest);
      for (const late of [Date.now() + 3_600_000, Date.parse('9999-12-31'), 8.64e15])
        assert.equal(await ledger.changeAt(late), newest);
    });

    it('are found by a time, and none of them missed, where the clock was set back between them', async () => {
      const { ledger } = fixture;
      const to = await subscribed();
      for (let uid = 0; uid < 30; uid++) await fixture.record(to, uid);
      await Told.from(fixture);
      await fixture.under.query(`update change set at = 1 where type = 'begin'`);
      const { oldest } = await ledger.changePositions();
      const before: ChangePage | 'reset' = await ledger.changes(oldest, 1_000);
      assert.ok(before !== 'reset');
      // Six minutes from one to the next, but before the twentieth 50 back: those before it are told as from the future.
      const newest = Date.now();
      for (const [place, { position }] of before.changes.entries()) {
        const at = newest - (before.changes.length - place) * 360_000 + (place < 20 ? 3_000_000 : 0);
        await fixture.under.query(`update change set at = ${at} where id = ${position.split('.').at(-2)}`);
      }
      const after: ChangePage | 'reset' = await ledger.changes(oldest, 1_000);
      assert.ok(after !== 'reset');
      for (const { at: since } of after.changes.slice(1)) {
        const found: ChangePage | 'reset' = await ledger.changes(await ledger.changeAt(since), 1_000);
        assert.ok(found !== 'reset');
        assert.deepEqual(
          found.changes,
          after.changes.slice(after.changes.findIndex(({ at }) => at >= since)),
        );
      }
    });

    it('are asked for, and for where they end, with one statement', async () => {
      const to = await subscribed();
      await fixture.record(to, 1, 2, 3);
      const { oldest } = await fixture.ledger.changePositions();
      assert.equal(await fixture.statementsOf(() => fixture.ledger.changePositions()), 1);
      await fixture.ledger.changes(oldest, 1);
      assert.equal(await fixture.statementsOf(() => fixture.ledger.changes(oldest, 2)), 1);
    });
  });

  describe('sweep of changes', () => {
    const age = (ms: number, where: string): Promise<unknown> =>
      fixture.under.query(`update change set at = at - ${ms} where ${where}`);

    /** Records so many mails. @returns the positions of what is told of them */
    const recorded = async (count: number): Promise<readonly string[]> => {
      const to = await subscribed();
      const told = await Told.from(fixture);
      await fixture.record(to, ...Array.from({ length: count }, (_, n) => n));
      return (await told.news()).map(({ position }) => position);
    };

    /** As positions are after their moments were changed. */
    const positions = async (): Promise<string[]> => {
      const { oldest } = await fixture.ledger.changePositions();
      const page = await fixture.ledger.changes(oldest, 1_000);
      assert.ok(page !== 'reset');
      return [oldest, ...page.changes.map(({ position }) => position)];
    };

    it('takes those of yesterday, and who stopped there is told to begin anew', async () => {
      await recorded(10);
      const [middle] = await fixture.under.query<{ id: number }>(
        'select id from change order by id desc limit 1 offset 4',
      );
      await age(KEEP_CHANGES_MS + 1_000, `id <= ${middle!.id}`);
      const before = await positions();
      assert.equal(await fixture.ledger.sweep(100), false);
      assert.deepEqual(await positions(), before.slice(-4));
      assert.equal(await fixture.ledger.changes(before.at(-5)!, 10), 'reset');
      assert.notEqual(await fixture.ledger.changes(before.at(-4)!, 10), 'reset');
    });

    it('leaves no hole where a change is younger than the ones after it', async () => {
      await recorded(4);
      const ids = await fixture.under.query<{ id: number }>('select id from change order by id');
      await age(KEEP_CHANGES_MS + 1_000, `id <> ${ids.at(-3)!.id}`);
      const before = await positions();
      await fixture.ledger.sweep(100);
      assert.deepEqual(await positions(), before.slice(-3));
    });

    it('never takes the newest, so that who has heard it goes on after it', async () => {
      await recorded(3);
      await age(2 * KEEP_CHANGES_MS, 'true');
      const last = (await positions()).at(-1)!;
      await fixture.ledger.sweep(100);
      assert.deepEqual(await positions(), [last]);
      const to = await subscribed();
      await fixture.record(to, 99);
      const told = await Told.from(fixture);
      assert.deepEqual(await told.news(), []);
      const page = await fixture.ledger.changes(last, 10);
      assert.ok(page !== 'reset');
      assert.deepEqual(page.changes.map(brief), ['email.new PENDING']);
    });

    it('takes what is too much, in batches, and what was written before the clock was set back', async () => {
      await recorded(50);
      await fixture.under.query(`update change set id = id + ${MOST_CHANGES} where id >= 40`);
      const before = await positions();
      assert.equal(await fixture.ledger.sweep(1), true, 'a batch of few');
      assert.equal((await positions()).length, before.length - 10);
      while (await fixture.ledger.sweep(1));
      assert.deepEqual(
        await positions(),
        before.filter((_, place) => place >= 39),
      );
      await age(-KEEP_CHANGES_MS, 'true');
      while (await fixture.ledger.sweep(1));
      assert.equal((await positions()).length, 1);
    });
  });
}

const withoutSpaces = (text: string): string => text.replaceAll(/" ?([:,]) ?/g, '"$1');
