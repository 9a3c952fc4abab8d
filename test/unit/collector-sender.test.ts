// What the collector sends with: the secrets of its jobs as they are now, and what is missing in its own words.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { collectedSender } from '../../cli/collect/collected-sender';
import { toDoList } from '../../cli/collect/to-do';
import { parseConfig } from '../../cli/config/config';
import type { Job } from '../../cli/config/job';
import { requestOf } from '../../cli/config/webhook';
import type { DueEntry } from '../../engine/ledger/outbox';
import { silentLog } from '../support/log';
import { dueWebhook } from '../support/webhook/due';

const SECRET = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`;

describe('the secrets of jobs', () => {
  after(() => {
    delete process.env['HOOK_SECRET'];
  });

  const jobs = async (webhook: object, rows: readonly unknown[] = []): Promise<ReadonlyMap<string, Job>> => {
    process.env['HOOK_SECRET'] = SECRET;
    const url = 'https://hooks.example.com/mail';
    const to = { webhook: { url, secret: { env: 'HOOK_SECRET' }, ...webhook } };
    const accountsFrom = { postgres: { url: { env: 'TABLE_URL' }, table: 'accounts' } };
    const config = { accountsFrom, jobs: { orders: { accounts: 'ann', to } } };
    return (await toDoList(await parseConfig(JSON.stringify(config), 'mail.json'), rows)).jobs;
  };

  /** Signed, as the job had it when it was queued. */
  const due = async (): Promise<DueEntry> => {
    const { webhook } = (await jobs({})).get('orders')!.to;
    return dueWebhook('https://no-such-name.invalid/mail', {
      request: requestOf(webhook!, 'orders'),
    });
  };

  const sent = async (known: ReadonlyMap<string, Job> | (() => never), entry?: DueEntry): Promise<string> => {
    const jobOf = typeof known === 'function' ? known : (name: string) => known.get(name);
    const sender = collectedSender(jobOf, silentLog);
    const end = await sender.send(entry ?? (await due()), {
      handOver: () => Promise.resolve(true),
      signal: new AbortController().signal,
    });
    return `${end.end}: ${'error' in end ? end.error : ''}`;
  };

  it('are those of its configuration, also where it has no account now', async () => {
    assert.match(await sent(await jobs({})), /^failed: .*no-such-name\.invalid/);
  });

  it('are said to be missing where the job is gone, has none any more, or they cannot be read', async () => {
    assert.match(
      await sent(new Map()),
      /^returned: The job orders is neither in the configuration any more, nor in a row of its table/,
    );
    assert.match(
      await sent(await jobs({ secret: undefined })),
      /^returned: The job orders has no to\.webhook\.secret any more/,
    );
    const unread = (): never => {
      throw new Error('The job orders is not known yet: the table of accounts has not been read.');
    };
    assert.match(await sent(unread), /^returned: The job orders is not known yet/);
    const entry = await due();
    const known = await jobs({});
    delete process.env['HOOK_SECRET'];
    assert.equal(
      await sent(known, entry),
      'returned: to.webhook.secret of the job orders: the environment variable HOOK_SECRET is not set.',
    );
  });

  it('are there for a job of the table as long as its row is', async () => {
    const account = { host: 'imap.example.com', user: 'c', password: { value: 'secret' } };
    const job = { to: { webhook: { url: 'https://hooks.example.com/c' } } };
    const names = async (more: object): Promise<readonly string[]> => [
      ...(await jobs({}, [{ name: 'carl', account, job, ...more }])).keys(),
    ];
    assert.deepEqual(await names({}), ['orders', 'table/carl']);
    assert.deepEqual(await names({ enabled: false }), ['orders']);
  });
});
