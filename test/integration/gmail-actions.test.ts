// What is done with mails in their Gmail account: over HTTP, from a ledger that is as it is in real life.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { GmailMailAction } from '../../engine/gmail/act/action';
import { performGmailActions } from '../../engine/gmail/act/actions';
import { GmailClient } from '../../engine/gmail/api/client';
import { gmailMailBytes } from '../../engine/gmail/mail/stored';
import { newContent } from '../../engine/ledger/content';
import { gmailIdentity } from '../../engine/gmail/mail/identity';
import { GMAIL_MAILBOX } from '../../engine/gmail/mail/source';
import type { Ledger } from '../../engine/ledger/ledger';
import type { Subscription, SubscriptionSettings } from '../../engine/ledger/subscriptions';
import type { Errands } from '../../engine/ledger/errands';
import type { SourceHold } from '../../engine/ledger/source-holds';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import { monotonicNow } from '../../engine/runtime/time';
import { held } from '../ledger/held';
import type { FakeAccount } from '../support/gmail/account';
import { FakeGmail } from '../support/gmail/fake';
import { fetchHttp } from '../../engine/http/fetch-http';
import { silentLog } from '../support/log';

const { signal } = new AbortController();
const READ_ONLY = ['https://www.googleapis.com/auth/gmail.readonly'];
const MARK_READ: GmailMailAction = { kind: 'changeLabels', add: [], remove: ['UNREAD'] };
const ARCHIVE: GmailMailAction = { kind: 'changeLabels', add: [], remove: ['INBOX'] };

describe('after the end of a run, in a Gmail account', { timeout: 120_000 }, () => {
  let gmail: FakeGmail;
  let ann: FakeAccount;
  let folder: string;
  let ledger: Ledger;
  let beside: DatabaseSync;
  let token: string;
  let reports: string[];
  let accounts = 0;

  before(async () => {
    gmail = await FakeGmail.start();
  });
  after(() => gmail.close());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-gmail-actions-'));
    const file = join(folder, 'ledger.sqlite');
    ledger = await openSqliteLedger(file);
    beside = new DatabaseSync(file, { timeout: 5_000 });
    ann = gmail.account(`ann${++accounts}@example.com`);
    token = gmail.token(ann.address);
    reports = [];
  });
  afterEach(async () => {
    gmail.heal();
    beside.close();
    await ledger.close();
    await rm(folder, { recursive: true, force: true });
  });

  const subscribe = (
    settings: Partial<SubscriptionSettings>,
    workflowId = 'workflow',
  ): Promise<Subscription> =>
    ledger.subscribe({
      workflowId,
      nodeId: 'node',
      source: { kind: 'gmail', account: ann.address, mailbox: GMAIL_MAILBOX },
      retryDelaysMs: [],
      guarantee: 'atLeastOnce',
      keepContentMs: 0,
      retentionMs: 90 * 86_400_000,
      afterSuccess: null,
      whenDead: null,
      ...settings,
    });

  const hold = ({ sourceId }: Subscription): Promise<SourceHold> => held(ledger, sourceId);

  /** Records what is in the account, runs it, and lets the runs end so. */
  const run = async (
    to: Subscription,
    ids: readonly string[],
    ending: 'success' | 'failure' = 'success',
  ): Promise<void> => {
    const messages = await Promise.all(
      ids.map(async (id) => {
        const { raw, threadId, labelIds, internalDate } = ann.message(id)!;
        const told = { id, threadId, labelIds, snippet: '', historyId: '1', internalDate, raw };
        return {
          identity: gmailIdentity('received', id),
          ...{ softIdentity: null, accountWide: false, weakIdentity: null, messageId: null },
          ...{ sender: null, subject: null, uid: null, uidValidity: null },
          receivedAt: internalDate,
          size: raw.length,
          content: await newContent(gmailMailBytes({ ...told, sizeEstimate: raw.length }, 'received')),
          due: [to.id],
        };
      }),
    );
    await ledger.record({ hold: await hold(to), messages, cursors: [] });
    const offer = await ledger.offer({
      subscriptionIds: [to.id],
      mostRuns: 1_000,
      mailsPerRun: 1,
      leaseMs: 60_000,
    });
    const pointers = offer.runs.flatMap((each) => each.pointers);
    assert.equal(pointers.length, ids.length);
    await ledger.claim(pointers, '1', 60_000);
    await ledger.settle(
      pointers,
      ending === 'success' ? { kind: 'success' } : { kind: 'failure', error: 'no' },
    );
  };

  /** With a client that does not wait between its tries. */
  const perform = async (
    to: Subscription,
    queue: Pick<Errands, 'takeErrands' | 'finishErrands' | 'postponeErrands'> = ledger,
  ): Promise<{ readonly mayBeMore: boolean }> => {
    const endpoints = { gmail: gmail.url, pubsub: gmail.url };
    const login = { address: ann.address, token: () => Promise.resolve(token), send: fetchHttp };
    const times = { now: monotonicNow, pause: () => Promise.resolve(), random: Math.random };
    const api = new GmailClient({ ...login, endpoints, quota: 'new' }, { signal, times });
    const report = (_subscriptionId: number, { message }: Error): void => void reports.push(message);
    return performGmailActions(
      { api, hold: await hold(to), ledger: queue, log: silentLog, address: ann.address, report },
      signal,
    );
  };

  const waiting = async (): Promise<number> => (await ledger.sources())[0]!.actionsWaiting;

  /** As if an hour had passed for all that waits. */
  const later = (): unknown => beside.exec('update errand set due_at = due_at - 3600000');

  const callsOf = (method: string): number =>
    gmail.calls.filter((call) => call.method === method && call.account === ann.address).length;

  /** As people do it, in Gmail. */
  const deleteLabel = async (id: string): Promise<void> => {
    const url = `${gmail.url}/gmail/v1/users/me/labels/${id}`;
    const answer = await fetch(url, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });
    assert.equal(answer.status, 204);
  };

  const done: [what: string, action: () => GmailMailAction, labels: () => readonly string[]][] = [
    ['marked as read', () => MARK_READ, () => ['INBOX']],
    ['archived', () => ARCHIVE, () => ['UNREAD']],
    ['put into the trash', () => ({ kind: 'trash' }), () => ['TRASH', 'UNREAD']],
    [
      'given labels',
      () => ({ kind: 'changeLabels', add: [ann.label('Done'), 'STARRED'], remove: [] }),
      () => ['INBOX', labelNamed('Done'), 'STARRED', 'UNREAD'],
    ],
    [
      'freed of labels',
      () => ({ kind: 'changeLabels', add: [], remove: ['INBOX', 'UNREAD', 'STARRED'] }),
      () => [],
    ],
  ];
  const labelNamed = (name: string): string => ann.labels().find((label) => label.name === name)!.id;
  for (const [what, action, labels] of done) {
    it(`a mail is ${what} when it succeeded`, async () => {
      const to = await subscribe({ afterSuccess: action() });
      const id = ann.deliver();
      await run(to, [id]);
      assert.deepEqual([...ann.labelsOf(id)].sort(), ['INBOX', 'UNREAD'], 'nothing is done before');
      await perform(to);
      assert.deepEqual([...ann.labelsOf(id)].sort(), [...labels()].sort());
      assert.equal(await waiting(), 0);
      assert.deepEqual(reports, []);
    });
  }

  it('a mail that is dead has something else done with it', async () => {
    const failed = ann.label('Failed');
    const to = await subscribe({
      afterSuccess: MARK_READ,
      whenDead: { kind: 'changeLabels', add: [failed], remove: [] },
    });
    const [good, bad] = [ann.deliver(), ann.deliver()];
    await run(to, [good]);
    await run(to, [bad], 'failure');
    await perform(to);
    assert.deepEqual([...ann.labelsOf(good)].sort(), ['INBOX']);
    assert.deepEqual([...ann.labelsOf(bad)].sort(), ['INBOX', failed, 'UNREAD']);
  });

  it('two hundred mails take two requests', async () => {
    const to = await subscribe({ afterSuccess: MARK_READ });
    const ids = Array.from({ length: 200 }, () => ann.deliver());
    await run(to, ids);
    assert.deepEqual(await perform(to), { mayBeMore: true });
    await perform(to);
    assert.deepEqual(await perform(to), { mayBeMore: false });
    assert.ok(ids.every((id) => !ann.labelsOf(id).includes('UNREAD')));
    assert.deepEqual([callsOf('messages.batchModify'), callsOf('messages.modify')], [2, 0]);
    assert.equal(await waiting(), 0);
  });

  it('what an outage kept from being done is done after it, and not told to anybody here', async () => {
    const to = await subscribe({ afterSuccess: MARK_READ });
    const id = ann.deliver();
    await run(to, [id]);
    await gmail.goAway();
    await assert.rejects(perform(to), { name: 'GmailFault', kind: 'unreachable' });
    await gmail.comeBack();
    await perform(to);
    assert.ok(ann.labelsOf(id).includes('UNREAD'), 'it is leased for a minute');
    later();
    await perform(to);
    assert.ok(!ann.labelsOf(id).includes('UNREAD'));
    assert.deepEqual([await waiting(), reports.length], [0, 0]);
  });

  it('trouble of Gmail that passes is not noticed', async () => {
    const to = await subscribe({ afterSuccess: { kind: 'trash' } });
    const id = ann.deliver();
    await run(to, [id]);
    gmail.fail('messages.trash', { status: 503 });
    await perform(to);
    assert.ok(ann.labelsOf(id).includes('TRASH'));
    assert.equal(callsOf('messages.trash'), 2);
  });

  it('what was done, and not noted before a crash, is done again without harm', async () => {
    const to = await subscribe({
      afterSuccess: { kind: 'changeLabels', add: ['STARRED'], remove: ['INBOX'] },
    });
    const id = ann.deliver();
    await run(to, [id]);
    const crashing = {
      takeErrands: ledger.takeErrands.bind(ledger),
      postponeErrands: ledger.postponeErrands.bind(ledger),
      finishErrands: () => Promise.reject(new Error('the process is gone')),
    };
    await assert.rejects(perform(to, crashing), /the process is gone/);
    assert.deepEqual([...ann.labelsOf(id)].sort(), ['STARRED', 'UNREAD']);
    const { historyId } = ann;
    later();
    await perform(to);
    assert.deepEqual([...ann.labelsOf(id)].sort(), ['STARRED', 'UNREAD']);
    assert.equal(ann.historyId, historyId, 'nothing has changed for anybody else');
    assert.equal(await waiting(), 0);
  });

  it('a mail that was deleted needs nothing, alone or among many', async () => {
    const to = await subscribe({ afterSuccess: MARK_READ });
    const ids = Array.from({ length: 15 }, () => ann.deliver());
    await run(to, ids);
    ann.deleteForever(ids[3]!);
    await perform(to);
    const trashing = await subscribe({ afterSuccess: { kind: 'trash' } }, 'another');
    const [gone, there] = [ann.deliver(), ann.deliver()];
    await run(trashing, [gone, there]);
    ann.deleteForever(gone);
    await perform(trashing);
    assert.ok(ids.every((id) => !ann.labelsOf(id).includes('UNREAD')));
    assert.ok(ann.labelsOf(there).includes('TRASH'));
    assert.deepEqual([await waiting(), reports], [0, []]);
  });

  it('a label that was deleted is told with what to do, and the mails get the label that is chosen then', async () => {
    const label = ann.label('Done');
    const to = await subscribe({ afterSuccess: { kind: 'changeLabels', add: [label], remove: [] } });
    const ids = Array.from({ length: 12 }, () => ann.deliver());
    await run(to, ids);
    await deleteLabel(label);
    await perform(to);
    const text =
      `Mail of ${ann.address} cannot be given the label "${label}": there is no label with the id "${label}" any more. ` +
      'Choose another one in the trigger.';
    assert.deepEqual(reports, [text]);
    const [source] = await ledger.sources();
    assert.deepEqual([source!.actionsWaiting, source!.actionError], [12, text]);
    await perform(to);
    assert.equal(reports.length, 1, 'it waits before it is tried again');
    const other = ann.label('Finished');
    await subscribe({ afterSuccess: { kind: 'changeLabels', add: [other], remove: [] } });
    await perform(to);
    assert.ok(ids.every((id) => ann.labelsOf(id).includes(other)));
    assert.equal(await waiting(), 0);
  });

  it('a credential that may only read is told with what to do, and goes on when it may more', async () => {
    const to = await subscribe({ afterSuccess: ARCHIVE });
    const id = ann.deliver();
    await run(to, [id]);
    token = gmail.token(ann.address, READ_ONLY);
    await perform(to);
    assert.equal(reports.length, 1);
    assert.match(
      reports[0]!,
      new RegExp(`^Mail of ${ann.address} cannot be archived\\. .*gmail\\.modify.*choose "Nothing"`),
    );
    token = gmail.token(ann.address);
    later();
    await perform(to);
    assert.ok(!ann.labelsOf(id).includes('INBOX'));
    assert.equal(await waiting(), 0);
  });
});
