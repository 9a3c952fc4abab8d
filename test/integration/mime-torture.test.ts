// Hostile mails on their whole way: through a real Dovecot, the collector and the ledger, to the items of a run.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { INodeExecutionData } from 'n8n-workflow';
import { ImapRereader } from '../../engine/imap/find/again';
import { unpackContent } from '../../engine/ledger/content';
import type { Claim, Pointer } from '../../engine/ledger/pointer';
import { headerBlock } from '../../engine/mail/headers';
import { imapShape } from '../../nodes/DurableImapTrigger/shape';
import { itemsOf } from '../../nodes/host/run/items';
import { Dovecot } from '../support/dovecot';
import { itemContext, itemSettings } from '../support/items';
import { tortureMails } from '../support/mime/torture';
import { rawMail } from '../support/mails';
import { until } from '../support/until';
import { type Joined, Watching } from '../support/watching';

const USER = 'tortured';
const PATIENCE_MS = 300_000;
const RUN_MAILS = 20;

describe('hostile mails, through a real server,', () => {
  let dovecot: Dovecot;
  let watching: Watching;
  let joined: Joined;
  /** What the server hands out, by UID. */
  let served: Map<number, Buffer>;
  let claims: Claim[];

  before(async () => {
    dovecot = await Dovecot.start();
    watching = await Watching.start();
    joined = await watching.join(dovecot.login(USER));
    await until('the mailbox is watched', () => watching.source().connection === 'idling');
  });
  after(async () => {
    await joined.leave();
    await watching.dispose();
    await dovecot.dispose();
  });

  /** By IMAP, and what the server does not take that way, as its own delivery would. */
  const put = async (): Promise<void> => {
    const refused: string[] = [];
    let client = await dovecot.client(USER);
    for (const { raw } of tortureMails()) {
      try {
        await client.append('INBOX', raw);
      } catch {
        refused.push(raw.toString());
        client.close();
        client = await dovecot.client(USER);
      }
    }
    await client.logout();
    await dovecot.deliver(USER, refused);
  };

  const onServer = async (): Promise<Map<number, Buffer>> => {
    const client = await dovecot.client(USER);
    const mails = new Map<number, Buffer>();
    await client.mailboxOpen('INBOX', { readOnly: true });
    for await (const { uid, source } of client.fetch('1:*', { uid: true, source: true })) {
      mails.set(uid, source!);
    }
    await client.logout();
    return mails;
  };

  it('are recorded, every one of them once', { timeout: PATIENCE_MS * 2 }, async () => {
    const count = tortureMails().length;
    await put();
    const recorded = (): number[] => watching.uids(joined.subscription);
    await until('all are recorded', () => recorded().length >= count, PATIENCE_MS);
    // A mail that comes after them ends the reading.
    await dovecot.append(USER, [rawMail({ subject: 'the last one' })]);
    await until('the last one is recorded', () => recorded().length > count, PATIENCE_MS);
    served = await onServer();
    assert.equal(served.size, count + 1);
    assert.deepEqual(recorded(), [...served.keys()]);
    assert.deepEqual(joined.reports, []);
  });

  it('are stored as the server hands them out, byte for byte', async () => {
    const pointers: Pointer[] = [];
    const request = {
      subscriptionIds: [joined.subscription.id],
      mostRuns: 1_000,
      mailsPerRun: RUN_MAILS,
      leaseMs: PATIENCE_MS,
    };
    for (let runs = (await watching.ledger.offer(request)).runs; runs.length > 0;) {
      pointers.push(...runs.flatMap((run) => run.pointers));
      ({ runs } = await watching.ledger.offer(request));
    }
    claims = await watching.ledger.claim(pointers, 'execution', PATIENCE_MS);
    assert.equal(claims.length, served.size);
    for (const { event, uid, size } of claims) {
      const stored = (await watching.ledger.contents([event])).get(event);
      const raw = await unpackContent(stored!);
      assert.ok(raw.equals(served.get(uid!)!), `UID ${uid}`);
      assert.ok(size > 0 || raw.length === 0, `UID ${uid}: its size`);
    }
  });

  it('become items, with the subjects that they have', async () => {
    const settings = {
      shape: imapShape(itemSettings()),
      mostReadBytes: 1e9,
      rereader: () => assert.fail('it is stored'),
    };
    const context = itemContext;
    const items: INodeExecutionData[] = [];
    for (let at = 0; at < claims.length; at += RUN_MAILS) {
      const run = claims.slice(at, at + RUN_MAILS);
      items.push(...(await itemsOf(context, watching.ledger, run, run, settings)).items);
    }
    assert.equal(items.length, served.size);
    const found = new Set(items.map(({ json }) => json['subject']));
    for (const { name, wanted } of tortureMails()) {
      if (wanted.subject !== undefined) assert.ok(found.has(wanted.subject), `${name}: ${wanted.subject}`);
    }
  });

  it('above the limit are read from the server again without their bodies', async () => {
    const largest = claims.reduce((one, other) => (other.size > one.size ? other : one));
    const rereader = await ImapRereader.connect(dovecot.login(USER), new AbortController().signal);
    try {
      const whole = await rereader.read(largest, largest.size);
      assert.ok(whole);
      assert.ok(whole.raw.equals(served.get(largest.uid!)!));
      assert.equal(whole.truncated, false);
      const cut = await rereader.read(largest, largest.size - 1);
      assert.ok(cut);
      assert.equal(cut.truncated, true);
      assert.ok(headerBlock(cut.raw).equals(headerBlock(whole.raw)));
      assert.ok(cut.raw.length < whole.raw.length);
    } finally {
      await rereader.end();
    }
  });
});
