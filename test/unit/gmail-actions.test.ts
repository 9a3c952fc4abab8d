// What is done with Gmail mails after their run: which requests that takes, and what becomes of those that fail.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { GmailMailAction } from '../../engine/gmail/act/action';
import { performGmailActions } from '../../engine/gmail/act/actions';
import type { GmailApi } from '../../engine/gmail/api/api';
import { GmailFault } from '../../engine/gmail/api/fault';
import type { GmailLabel, LabelChange } from '../../engine/gmail/api/types';
import type { DueErrand, Errands } from '../../engine/ledger/errands';
import { silentLog } from '../support/log';

const ADDRESS = 'ann@example.com';
const MARK_READ: GmailMailAction = { kind: 'changeLabels', add: [], remove: ['UNREAD'] };
const ARCHIVE: GmailMailAction = { kind: 'changeLabels', add: [], remove: ['INBOX'] };
const LABEL: GmailMailAction = { kind: 'changeLabels', add: ['Label_1'], remove: [] };
const TRASH: GmailMailAction = { kind: 'trash' };

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Notes what it is asked; fails for messages that it has a fault for. */
class ScriptedGmail implements Pick<GmailApi, 'modify' | 'modifyAll' | 'trash' | 'labels'> {
  readonly asked: string[] = [];
  readonly faults = new Map<string, GmailFault>();
  batchFault: GmailFault | null = null;
  known: GmailLabel[] = [{ id: 'Label_1', name: 'Work' }];
  gone = new Set<string>();
  atOnce = 0;
  mostAtOnce = 0;

  modify = (id: string, change: LabelChange): Promise<boolean> => this.#one(`modify ${id}`, id, change);
  trash = (id: string): Promise<boolean> => this.#one(`trash ${id}`, id);

  async modifyAll(ids: readonly string[], change: LabelChange): Promise<void> {
    this.asked.push(`modifyAll ${ids.length} +${change.add.join()} -${change.remove.join()}`);
    await turn();
    if (this.batchFault) throw this.batchFault;
  }

  async labels(): Promise<readonly GmailLabel[]> {
    this.asked.push('labels');
    return this.known;
  }

  async #one(what: string, id: string, change?: LabelChange): Promise<boolean> {
    this.asked.push(change ? `${what} +${change.add.join()} -${change.remove.join()}` : what);
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
    await turn();
    this.atOnce--;
    const fault = this.faults.get(id);
    if (fault) throw fault;
    return !this.gone.has(id);
  }
}

/** What is due, in memory. */
class Queue implements Pick<Errands, 'takeErrands' | 'finishErrands' | 'postponeErrands'> {
  due: DueErrand[] = [];
  readonly postponed: { ids: readonly number[]; error: string; delayMs: number }[] = [];

  add(mails: readonly string[], action: GmailMailAction, { subscriptionId = 1, tries = 0 } = {}): void {
    for (const mail of mails) {
      const id = this.due.length + 1;
      const nothing = { softIdentity: null, uid: null, uidValidity: null, receivedAt: null, messageId: null };
      this.due.push({
        ...nothing,
        ...{ id, subscriptionId, action, tries, event: `event-${id}`, identity: `id:${mail}`, size: 100 },
      });
    }
  }

  takeErrands(_hold: unknown, limit: number): Promise<DueErrand[]> {
    return Promise.resolve(this.due.slice(0, limit));
  }

  finishErrands(ids: readonly number[]): Promise<void> {
    this.due = this.due.filter(({ id }) => !ids.includes(id));
    return Promise.resolve();
  }

  postponeErrands(ids: readonly number[], error: string, delayMs: number): Promise<void> {
    this.postponed.push({ ids, error, delayMs });
    return Promise.resolve();
  }
}

function setUp(): {
  readonly api: ScriptedGmail;
  readonly queue: Queue;
  readonly reports: { subscriptionId: number; fault: Error }[];
  readonly perform: (signal?: AbortSignal) => Promise<{ readonly mayBeMore: boolean }>;
} {
  const api = new ScriptedGmail();
  const queue = new Queue();
  const reports: { subscriptionId: number; fault: Error }[] = [];
  const report = (subscriptionId: number, fault: Error): void => void reports.push({ subscriptionId, fault });
  const hold = { sourceId: 1, fence: 1 };
  return {
    ...{ api, queue, reports },
    perform: (signal = new AbortController().signal) =>
      performGmailActions({ api, hold, ledger: queue, log: silentLog, address: ADDRESS, report }, signal),
  };
}

const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `1a${index}`);

describe('what is due in a Gmail account', () => {
  it('costs no request where nothing is due', async () => {
    const { api, perform } = setUp();
    assert.deepEqual(await perform(), { mayBeMore: false });
    assert.deepEqual(api.asked, []);
  });

  it('is done mail by mail where they are ten, and with one request where they are more', async () => {
    const { api, queue, perform } = setUp();
    queue.add(ids(10), MARK_READ);
    await perform();
    assert.deepEqual(
      api.asked,
      ids(10).map((id) => `modify ${id} + -UNREAD`),
    );
    api.asked.length = 0;
    queue.add(ids(11), MARK_READ);
    await perform();
    assert.deepEqual(api.asked, ['modifyAll 11 + -UNREAD']);
    assert.deepEqual(queue.due, []);
  });

  it('is done with few requests at once', async () => {
    const { api, queue, perform } = setUp();
    queue.add(ids(40), TRASH);
    await perform();
    assert.equal(api.asked.length, 40);
    assert.equal(api.mostAtOnce, 5);
    assert.deepEqual(queue.due, []);
  });

  it('is handed out a hundred at a time', async () => {
    const { queue, perform } = setUp();
    queue.add(ids(130), LABEL);
    assert.deepEqual(await perform(), { mayBeMore: true });
    assert.equal(queue.due.length, 30);
    assert.deepEqual(await perform(), { mayBeMore: true }, 'what was done may have kept others waiting');
    assert.deepEqual(queue.due, []);
    assert.deepEqual(await perform(), { mayBeMore: false });
  });

  it('is done once for a mail with which two workflows want the same', async () => {
    const { api, queue, perform } = setUp();
    queue.add(['1a'], MARK_READ, { subscriptionId: 1 });
    queue.add(['1a'], MARK_READ, { subscriptionId: 2 });
    await perform();
    assert.deepEqual(api.asked, ['modify 1a + -UNREAD']);
    assert.deepEqual(queue.due, []);
  });

  it('puts mails into the trash last', async () => {
    const { api, queue, perform } = setUp();
    queue.add(['1a'], TRASH, { subscriptionId: 1 });
    queue.add(['1a'], LABEL, { subscriptionId: 2 });
    await perform();
    assert.deepEqual(api.asked, ['modify 1a +Label_1 -', 'trash 1a']);
  });

  it('needs nothing with mails that are not there any more', async () => {
    const { api, queue, reports, perform } = setUp();
    api.gone = new Set(['1a', '1b']);
    queue.add(['1a'], TRASH);
    queue.add(['1b'], LABEL);
    await perform();
    assert.deepEqual([queue.due, queue.postponed, reports], [[], [], []]);
  });
});

describe('what Gmail refuses', () => {
  const refused = new GmailFault('refused', 'Gmail refused changing labels in ann@example.com: "No.".');

  it('is postponed longer each time, from a minute to an hour', async () => {
    for (const [tries, mostMs] of [
      [0, 60_000],
      [2, 240_000],
      [20, 3_600_000],
    ] as const) {
      const { api, queue, perform } = setUp();
      api.faults.set('1a', refused);
      queue.add(['1a'], LABEL, { tries });
      await perform();
      const { delayMs } = queue.postponed[0]!;
      assert.ok(delayMs >= mostMs / 2 && delayMs <= mostMs, `${delayMs} after ${tries}`);
    }
  });

  it('of one mail is told, and the others are done', async () => {
    const { api, queue, reports, perform } = setUp();
    api.faults.set('1a3', refused);
    queue.add(ids(8), LABEL);
    await perform();
    assert.deepEqual(
      queue.due.map(({ identity }) => identity),
      ['id:1a3'],
    );
    assert.deepEqual(
      reports.map(({ subscriptionId, fault }) => [subscriptionId, fault.message]),
      [
        [
          1,
          'Mail of ann@example.com cannot be given the label "Work". Gmail refused changing labels in ' +
            'ann@example.com: "No.". It is tried again later.',
        ],
      ],
    );
  });

  it('of many together is tried with each alone', async () => {
    const { api, queue, perform } = setUp();
    api.batchFault = refused;
    api.faults.set('1a7', refused);
    queue.add(ids(12), LABEL);
    await perform();
    assert.deepEqual(
      queue.due.map(({ identity }) => identity),
      ['id:1a7'],
    );
    assert.equal(api.asked.filter((what) => what.startsWith('modify ')).length, 12);
    assert.equal(api.asked.filter((what) => what === 'labels').length, 1, 'labels are asked for once');
  });

  it('because of a label that was deleted is not tried with each alone, and says which label', async () => {
    const { api, queue, reports, perform } = setUp();
    api.batchFault = refused;
    queue.add(ids(12), { kind: 'changeLabels', add: ['Label_1', 'Label_2'], remove: ['INBOX'] });
    await perform();
    assert.equal(api.asked.filter((what) => what.startsWith('modify ')).length, 0);
    assert.equal(queue.postponed.flatMap((each) => each.ids).length, 12);
    assert.deepEqual(
      reports.map(({ fault }) => fault.message),
      [
        'Mail of ann@example.com cannot be given the labels "Work", "Label_2" and lose the label "INBOX": there is no ' +
          'label with the id "Label_2" any more. Choose another one in the trigger.',
      ],
    );
  });

  it('because it is not allowed stops the rest of its kind, and says what the credential needs', async () => {
    const { api, queue, reports, perform } = setUp();
    const forbidden = new GmailFault('forbidden', 'Gmail does not allow it in ann@example.com.');
    for (const id of ids(10)) api.faults.set(id, forbidden);
    queue.add(ids(10), ARCHIVE);
    await perform();
    assert.equal(api.asked.filter((what) => what.startsWith('modify ')).length, 5);
    assert.equal(queue.postponed.flatMap((each) => each.ids).length, 10);
    assert.equal(reports.length, 1);
    const { fault } = reports[0]!;
    assert.ok(fault instanceof GmailFault && fault.kind === 'forbidden');
    assert.match(
      fault.message,
      /^Mail of ann@example.com cannot be archived\..*gmail\.modify.*choose "Nothing"/,
    );
  });

  it('is told to each workflow, once a turn', async () => {
    const { api, queue, reports, perform } = setUp();
    for (const id of ids(6)) api.faults.set(id, refused);
    queue.add(ids(3), MARK_READ, { subscriptionId: 1 });
    queue.add(ids(6).slice(3), MARK_READ, { subscriptionId: 2 });
    await perform();
    assert.deepEqual(
      reports.map(({ subscriptionId }) => subscriptionId),
      [1, 2],
    );
    assert.match(reports[0]!.fault.message, /cannot be marked as read\./);
  });
});

describe('an outage of Gmail', () => {
  for (const kind of ['busy', 'unreachable', 'login'] as const) {
    it(`(${kind}) is thrown, with what was done and what was refused noted`, async () => {
      const { api, queue, reports, perform } = setUp();
      api.faults.set('1a1', new GmailFault('refused', 'No.'));
      api.faults.set('1a2', new GmailFault(kind, 'There is trouble.'));
      queue.add(ids(10), LABEL);
      await assert.rejects(perform(), { name: 'GmailFault', kind });
      assert.deepEqual(
        queue.due.map(({ identity }) => identity).filter((identity) => identity < 'id:1a5'),
        ['id:1a1', 'id:1a2'],
      );
      assert.deepEqual(
        queue.postponed.map((each) => each.ids),
        [[2]],
      );
      assert.equal(reports.length, 1);
      assert.equal(api.asked.filter((what) => what.startsWith('modify ')).length, 5, 'the others wait');
    });
  }

  it('is thrown for many together, too, and nothing is postponed', async () => {
    const { api, queue, reports, perform } = setUp();
    api.batchFault = new GmailFault('busy', 'There is trouble.');
    queue.add(ids(50), MARK_READ);
    await assert.rejects(perform(), { name: 'GmailFault', kind: 'busy' });
    assert.deepEqual([queue.due.length, queue.postponed, reports], [50, [], []]);
  });
});

it('what is stopped in the middle leaves the rest due', async () => {
  const { api, queue, perform } = setUp();
  const stop = new AbortController();
  queue.add(ids(20), TRASH);
  const trash = api.trash;
  api.trash = (id) => {
    if (id === '1a7') stop.abort();
    return trash(id);
  };
  await perform(stop.signal);
  assert.equal(queue.due.length, 10);
  assert.equal(api.asked.length, 10);
});
