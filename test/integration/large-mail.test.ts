// A mail with an attachment of 30 MB, from a real server to the item of its run: every octet of it, and never whole in memory
// but where its parts are looked for.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { IBinaryData } from 'n8n-workflow';
import type { Ledger } from '../../engine/ledger/ledger';
import type { Claim } from '../../engine/ledger/pointer';
import { ImapRereader } from '../../engine/imap/find/again';
import { mailItem } from '../../nodes/host/items/mail';
import { itemsOf } from '../../nodes/host/run/items';
import { Dovecot } from '../support/dovecot';
import { itemContext, itemSettings } from '../support/items';
import { rawMail } from '../support/mails';
import { TcpProxy } from '../support/net';
import { until } from '../support/until';
import { Watching } from '../support/watching';

const MB = 1024 * 1024;
/** The mail has 41 MB; packed, 31 MB. Without pieces it is there several times. */
const MOST_BYTES = 75 * MB;

const sha256 = (octets: Buffer): string => createHash('sha256').update(octets).digest('hex');

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** How much memory buffers took at the most meanwhile, beside what they took before. */
async function mostBuffers<T>(work: () => Promise<T>): Promise<[T, number]> {
  const now = (): number => process.memoryUsage().arrayBuffers;
  collectGarbage();
  const before = now();
  let most = before;
  const looking = setInterval(() => (most = Math.max(most, now())), 5);
  try {
    return [await work(), most - before];
  } finally {
    clearInterval(looking);
  }
}

async function claimed(ledger: Ledger, subscriptionId: number): Promise<Claim[]> {
  const offer = { subscriptionIds: [subscriptionId], mostRuns: 1, mailsPerRun: 1, leaseMs: 60_000 };
  const { runs } = await ledger.offer(offer);
  return ledger.claim(runs[0]!.pointers, '1', 60_000);
}

/** What n8n was given as a file, by its digest. */
async function files(ledger: Ledger, claims: readonly Claim[]): Promise<string[]> {
  const digests: string[] = [];
  const prepareBinaryData = async (content: AsyncIterable<Buffer>): Promise<IBinaryData> => {
    const hash = createHash('sha256');
    for await (const octets of content) hash.update(octets);
    digests.push(hash.digest('hex'));
    return { data: 'filesystem', mimeType: '' };
  };
  const context = { ...itemContext, helpers: { prepareBinaryData } } as unknown as typeof itemContext;
  const { items } = await itemsOf(context, ledger, claims, claims, {
    shape: (given, raw, facts) => mailItem(given, raw, facts, itemSettings()),
    mostReadBytes: 250 * MB,
    rereader: () => Promise.reject(new Error('it is in the ledger')),
  });
  assert.deepEqual(Object.keys(items[0]!.binary ?? {}), ['attachment_0']);
  return digests;
}

describe('an attachment of 30 MB', { timeout: 3 * 60_000 }, () => {
  it('is handed out octet by octet, with little of it in memory, also where the connection breaks within it', async () => {
    const dovecot = await Dovecot.start();
    const proxy = await TcpProxy.to(dovecot.port);
    const watching = await Watching.start();
    try {
      const file = randomBytes(30 * MB);
      const raw = rawMail({ subject: 'large', attachment: { name: 'large.bin', content: file } });
      const login = { ...dovecot.login('ann'), port: proxy.port };
      const { subscription, leave: leaveFirst } = await watching.join(login);
      const hasBegun = async (): Promise<boolean> =>
        Boolean((await watching.ledger.cursors([subscription.id])).get(subscription.id));
      await until('the mailbox is watched', hasBegun);
      const pieces = (): number => proxy.clientSaid.split('BODY.PEEK[]<').length;
      await leaveFirst();
      await dovecot.append('ann', [raw]);
      const collect = async (): Promise<void> => {
        const { leave } = await watching.join(login);
        await until('a part of it was read', () => pieces() > 10, 60_000, 5);
        proxy.cut();
        await until('it is recorded', () => watching.uids(subscription).length > 0, 60_000);
        await leave();
      };
      const [, collecting] = await mostBuffers(collect);
      assert.deepEqual(watching.uids(subscription), [1]);
      assert.ok(proxy.accepted > 1);
      const claims = await claimed(watching.ledger, subscription.id);
      const [digests, running] = await mostBuffers(() => files(watching.ledger, claims));
      assert.deepEqual(digests, [sha256(file)]);
      const most = { collecting, running };
      assert.ok(Math.max(collecting, running) < MOST_BYTES, JSON.stringify(most));

      const rereader = await ImapRereader.connect(dovecot.login('ann'), new AbortController().signal);
      const again = await rereader.read(claims[0]!);
      await rereader.end();
      assert.equal(sha256(again!.raw), sha256(Buffer.from(raw)));
    } finally {
      await watching.dispose();
      await proxy.close();
      await dovecot.dispose();
    }
  });
});
