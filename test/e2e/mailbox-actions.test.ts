// What becomes of a mail on its server when its run has ended, in a real n8n with a real Dovecot.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { N8n } from '../support/n8n';
import { TcpProxy } from '../support/net';
import { Sink } from '../support/sink';
import { until } from '../support/until';
import { mailWorkflow, postMail } from '../support/workflows';

const PATIENCE_MS = 90_000;

describe('after a run', { timeout: 15 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let dovecot: Dovecot;
  let n8n: N8n;
  let sink: Sink;
  let proxy: TcpProxy;
  let user: string;
  let users = 0;
  let workflows: string[];

  before(async () => {
    dovecot = await cleanup.of(Dovecot.start());
    sink = await cleanup.of(Sink.start());
    n8n = await cleanup.of(N8n.start());
  });
  after(() => cleanup.run());
  beforeEach(async () => {
    user = `user${++users}`;
    workflows = [];
    proxy = await TcpProxy.to(dovecot.port);
    sink.reset();
    const client = await dovecot.client(user);
    for (const mailbox of ['Done', 'Dead']) await client.mailboxCreate(mailbox);
    await client.logout();
  });
  afterEach(async () => {
    for (const id of workflows) await n8n.api.unpublish(id);
    await proxy.close();
  });

  const published = async (parameters: object, options: object = {}): Promise<string> => {
    const login = dovecot.login(user, { port: proxy.port });
    const id = await mailWorkflow(n8n, login, [postMail(sink)], {
      parameters,
      options: { retrySchedule: '1s', ...options },
    });
    workflows.push(id);
    await n8n.api.publish(id);
    await n8n.watching(id);
    return id;
  };

  const append = (...subjects: string[]): Promise<void> =>
    dovecot.append(
      user,
      subjects.map((subject) => rawMail({ subject })),
    );

  /** The subjects in the mailbox, each with the flags that somebody set. */
  const inMailbox = async (mailbox: string): Promise<string[]> => {
    const client = await dovecot.client(user);
    const { exists } = await client.mailboxOpen(mailbox, { readOnly: true });
    const found: string[] = [];
    if (exists > 0) {
      for await (const { envelope, flags } of client.fetch('1:*', { envelope: true, flags: true })) {
        const set = [...(flags ?? [])].filter((flag) => flag !== '\\Recent').sort();
        found.push([envelope?.subject, ...set].join(' '));
      }
    }
    await client.logout();
    return found;
  };

  const becomes = (mailbox: string, ...mails: string[]): Promise<unknown> =>
    until(
      `${mailbox} holds ${mails.join(', ') || 'nothing'}`,
      async () => JSON.stringify((await inMailbox(mailbox)).sort()) === JSON.stringify([...mails].sort()),
      PATIENCE_MS,
    );

  const accepted = (count: number): Promise<unknown> =>
    until(`${count} mails ran`, () => sink.accepted.length >= count, PATIENCE_MS);

  for (const [what, parameters, left] of [
    ['marks it read', { postProcessAction: 'read' }, 'one \\Seen'],
    ['flags it', { postProcessAction: 'flag' }, 'one \\Flagged'],
    ['adds a keyword', { postProcessAction: 'keyword', successKeyword: 'Processed' }, 'one Processed'],
  ] as const) {
    it(`${what}, not before it has succeeded`, async () => {
      let finish = (): void => undefined;
      sink.answer = () => new Promise((resolve) => (finish = () => resolve(200)));
      await published(parameters);
      await append('one');
      await until('the run is under way', () => sink.deliveries.length === 1, PATIENCE_MS);
      assert.deepEqual(await inMailbox('INBOX'), ['one']);
      finish();
      await becomes('INBOX', left);
    });
  }

  it('moves it, and a failed run moves nothing until its tries are used up', async () => {
    await published(
      { postProcessAction: 'move', successMailbox: 'Done' },
      { deadAction: 'move', deadMailbox: 'Dead' },
    );
    sink.answer = ({ subject, attempt }) => (subject === 'poison' || attempt < 2 ? 500 : 200);
    await append('one', 'poison');
    await becomes('Done', 'one');
    await becomes('Dead', 'poison');
    await becomes('INBOX');
    assert.deepEqual(Object.fromEntries(sink.counts()), { one: 2, poison: 2 });
  });

  it('copies it, once', async () => {
    await published({ postProcessAction: 'copy', successMailbox: 'Done' });
    await append('one', 'two', 'three');
    await becomes('Done', 'one', 'two', 'three');
    await becomes('INBOX', 'one', 'two', 'three');
  });

  it('deletes it', async () => {
    await published({ postProcessAction: 'delete' });
    await append('one', 'two');
    await accepted(2);
    await becomes('INBOX');
  });

  it('is made up for when the server was away, and when n8n was killed', async () => {
    await published({ postProcessAction: 'move', successMailbox: 'Done' });
    sink.answer = async () => {
      proxy.cut();
      await dovecot.down();
      return 200;
    };
    await append('one');
    await accepted(1);
    await until('the run is settled', async () => (await n8n.events()).at(-1)!.state === 'DONE', PATIENCE_MS);
    await n8n.down('SIGKILL');
    await dovecot.up();
    await n8n.up();
    await becomes('Done', 'one');
    await becomes('INBOX');
    assert.equal(sink.counts().get('one'), 1);
  });

  it('waits for another workflow that still needs the mail from the server', async () => {
    await published({ postProcessAction: 'delete' }, { storeUpTo: 0 });
    let finish = (): void => undefined;
    const other = await cleanup.of(Sink.start());
    other.answer = (_, earlier) =>
      earlier === 0 ? new Promise((resolve) => (finish = () => resolve(500))) : 200;
    const login = dovecot.login(user, { port: proxy.port });
    const id = await mailWorkflow(n8n, login, [postMail(other)], {
      options: { retrySchedule: '1s', storeUpTo: 0 },
    });
    workflows.push(id);
    await n8n.api.publish(id);
    await n8n.watching(id);
    await append('one');
    await accepted(1);
    await until('the other run is under way', () => other.deliveries.length === 1, PATIENCE_MS);
    finish();
    await until('it ran again, with the mail', () => other.accepted.length === 1, PATIENCE_MS);
    await becomes('INBOX');
  });

  it('tells when the server refuses, and does it when that is put right', async () => {
    const id = await published({ postProcessAction: 'move', successMailbox: 'Nowhere' });
    await append('one');
    await accepted(1);
    const failed = await until(
      'it is told',
      async () =>
        (await n8n.api.executions()).find(
          ({ workflowId, status }) => workflowId === id && status === 'error',
        ),
      PATIENCE_MS,
    );
    const { data } = (await n8n.api.request('GET', `/rest/executions/${(failed as { id: string }).id}`)) as {
      data: string;
    };
    assert.match(data, /Nowhere/);
    assert.deepEqual(await inMailbox('INBOX'), ['one']);
    const client = await dovecot.client(user);
    await client.mailboxCreate('Nowhere');
    await client.logout();
    await until('it is moved', async () => (await inMailbox('Nowhere')).length === 1, 300_000);
  });
});
