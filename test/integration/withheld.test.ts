// A mail that its server lists and does not hand out: it holds up nobody for long, and is not lost.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { WatchedMailbox } from '../../engine/imap/watch/mailbox';
import type { MailFacts } from '../../engine/imap/session/facts';
import { type ImapSession, WithheldMail } from '../../engine/imap/session/session';
import type { Ledger } from '../../engine/ledger/ledger';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import { ProcessWake } from '../../engine/signal/wake';
import { SourceLeases } from '../../engine/source/leases';
import { silentLog } from '../support/log';
import { rawMail } from '../support/mails';
import { readingOf } from '../support/reading';

const WITHHELD = 2;

/** A connection to a server with three mails, of which it hands out two. */
function session(): ImapSession {
  const mailbox = { name: 'INBOX', uidValidity: '7', uidNext: 1, exists: 3 };
  const facts = (uid: number): MailFacts => ({
    uid,
    size: 500,
    receivedAt: Date.now(),
    emailId: undefined,
    fields: Buffer.from(`Message-ID: <${uid}@example.com>\r\nSubject: mail ${uid}\r\n`),
  });
  return {
    opened: undefined,
    canIdle: true,
    open: () => Promise.resolve(mailbox),
    news: (above: number) =>
      Promise.resolve({ uids: [1, 2, 3].filter((uid) => uid > above), facts: new Map() }),
    facts: (uids: readonly number[]) => Promise.resolve(uids.map(facts)),
    contents: (uids: readonly number[]) =>
      uids.includes(WITHHELD)
        ? Promise.reject(new WithheldMail('mail.example', [WITHHELD]))
        : Promise.resolve(
            new Map(uids.map((uid) => [uid, Buffer.from(rawMail({ subject: `mail ${uid}` }))])),
          ),
  } as unknown as ImapSession;
}

let folder: string;
let ledger: Ledger;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'durable-mail-withheld-'));
  ledger = await openSqliteLedger(join(folder, 'ledger.sqlite'));
});
after(async () => {
  await ledger.close();
  await rm(folder, { recursive: true });
});

it('is recorded without its content when it was asked for several times, over any number of connections', async () => {
  const source = { kind: 'imap', account: 'ann@mail.example', mailbox: 'INBOX' } as const;
  const subscription = await ledger.subscribe({
    workflowId: 'workflow',
    nodeId: 'node',
    source,
    retryDelaysMs: [],
    guarantee: 'atLeastOnce',
    keepContentMs: 0,
    retentionMs: 1_000_000,
    afterSuccess: null,
    whenDead: null,
  });
  const nothing = (): undefined => undefined;
  const subscriber = {
    subscription,
    reading: readingOf(),
    outage: { afterMs: null, whenOver: false },
    hasActions: false,
    mostConnections: 1,
    joinedAt: Date.now(),
    begun: () => false,
    synced: nothing,
    login: () => Promise.reject(new Error('There is no server')),
    report: nothing,
    warn: nothing,
    reportOver: nothing,
    moved: nothing,
  } as const;
  const ports = {
    ledger,
    leases: new SourceLeases(ledger, silentLog),
    wake: new ProcessWake(),
    log: silentLog,
  };
  const mailbox = new WatchedMailbox(source, subscription.sourceId, () => [subscriber], ports);
  assert.ok(await mailbox.held());
  const visit = (): Promise<unknown> => mailbox.visit(session(), 'everything', new AbortController().signal);

  for (let times = 1; times <= 3; times++) await assert.rejects(visit(), WithheldMail);
  await visit();
  const { events } = await ledger.events({}, { limit: 10 });
  assert.deepEqual(events.map(({ uid, hasContent }) => [uid, hasContent]).reverse(), [
    [1, true],
    [2, false],
    [3, true],
  ]);
  await mailbox.close();
});
