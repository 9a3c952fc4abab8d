// Real mails in a real Dovecot run real workflows in a real n8n.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { N8n, type StoredEvent } from '../support/n8n';
import { TcpProxy } from '../support/net';
import { Sink } from '../support/sink';
import { until } from '../support/until';
import { credentialData, sinkWorkflow, type WorkflowOptions } from '../support/workflows';

/** Of all workflows together. */
const MOST_RUNS = 6;

describe('mail in a real n8n', { timeout: 15 * 60_000 }, () => {
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
    n8n = await cleanup.of(N8n.start({ DURABLE_MAIL_MOST_RUNS: String(MOST_RUNS) }));
  });
  after(() => cleanup.run());
  beforeEach(async () => {
    user = `user${++users}`;
    workflows = [];
    proxy = await TcpProxy.to(dovecot.port);
    sink.reset();
  });
  afterEach(async () => {
    for (const id of workflows) await n8n.api.unpublish(id);
    await proxy.close();
  });

  const made = async (options: WorkflowOptions = {}, login = {}): Promise<string> => {
    const id = await sinkWorkflow(n8n, sink, dovecot.login(user, { port: proxy.port, ...login }), options);
    workflows.push(id);
    return id;
  };

  const published = async (options: WorkflowOptions = {}): Promise<string> => {
    const id = await made(options);
    await n8n.api.publish(id);
    await n8n.watching(id);
    return id;
  };

  const append = (...subjects: string[]): Promise<void> =>
    dovecot.append(
      user,
      subjects.map((subject) => rawMail({ subject })),
    );

  const eventsOf = async (id: string): Promise<StoredEvent[]> =>
    (await n8n.events()).filter(({ workflow }) => workflow === id);

  const settled = (id: string, count: number, deadlineMs?: number): Promise<StoredEvent[]> =>
    until(
      `${count} mails are settled`,
      async () => {
        const events = (await eventsOf(id)).filter(({ state }) => state === 'DONE' || state === 'DEAD');
        return events.length >= count && events;
      },
      deadlineMs,
    );

  const failures = async (id: string): Promise<{ status: string }[]> =>
    (await n8n.api.executions()).filter(({ workflowId, status }) => workflowId === id && status === 'error');

  it('runs the workflow once, with the subject, the text and the attachment byte for byte', async () => {
    const id = await published({ withAttachment: true });
    const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) % 256));
    const subject = '=?utf-8?B?R3LDvMOfZQ==?=';
    const text = 'Zwölf Boxkämpfer';
    await dovecot.append(user, [rawMail({ subject, text, attachment: { name: 'all-bytes.bin', content } })]);
    const [event] = await settled(id, 1);
    assert.equal(event?.state, 'DONE');
    const [delivered, ...more] = sink.deliveries;
    assert.deepEqual(more, []);
    assert.ok(delivered);
    assert.equal(delivered.subject, 'Grüße');
    assert.equal(delivered.text.trim(), text);
    assert.ok(delivered.attachment.equals(content), 'the attachment');
    assert.equal(delivered.eventId, event.id);
    assert.equal(delivered.attempt, 1);
    assert.match(delivered.idempotencyKey, /^[0-9a-f]{40}$/);
  });

  it('runs for a mail that arrives the moment after it was published', async () => {
    const id = await made();
    await n8n.api.publish(id);
    await append('at once');
    const [event] = await settled(id, 1);
    assert.equal(event?.state, 'DONE');
  });

  it('gives a hundred mails in a burst once each', async () => {
    const id = await published();
    const subjects = Array.from({ length: 100 }, (_, index) => `burst ${index}`);
    await append(...subjects);
    const events = await settled(id, 100, 120_000);
    assert.ok(events.every(({ state, attempt }) => state === 'DONE' && attempt === 1));
    assert.deepEqual([...sink.counts()].sort(), subjects.map((subject) => [subject, 1]).sort());
    const filter = encodeURIComponent(JSON.stringify({ workflowId: id }));
    // n8n counts those that it has stored, which it does when their mails are settled.
    const counted = async (): Promise<number> =>
      ((await n8n.api.request('GET', `/rest/executions?limit=100&filter=${filter}`)) as { count: number })
        .count;
    await until('n8n has stored them all', async () => (await counted()) >= 100);
    assert.equal(await counted(), 100, 'one execution for each mail');
  });

  it('never works on more mails at once than it may', async () => {
    let open = 0;
    let most = 0;
    sink.answer = async () => {
      most = Math.max(most, ++open);
      // The first ones wait for as many as may be there, however slow the machine is; then for one too many.
      if (most < 3) await until('three are open', () => most >= 3, 60_000);
      await new Promise((resolve) => setTimeout(resolve, 200));
      open--;
      return 200;
    };
    const id = await published({ mostInFlight: 3 });
    await append(...Array.from({ length: 15 }, (_, index) => `one of many ${index}`));
    await settled(id, 15, 60_000);
    assert.equal(most, 3);
  });

  it('never works on more mails at once than n8n may, over all workflows, and one mail does not wait behind many', async () => {
    let open = 0;
    let most = 0;
    sink.answer = async () => {
      most = Math.max(most, ++open);
      if (most < MOST_RUNS) await until('as many are open as may be', () => most >= MOST_RUNS, 60_000);
      await new Promise((resolve) => setTimeout(resolve, 300));
      open--;
      return 200;
    };
    const listening = async (name: string): Promise<string> => {
      const id = await made({ mostInFlight: 5 }, { user: `${user}-${name}` });
      await n8n.api.publish(id);
      await n8n.watching(id);
      return id;
    };
    const ids = [await listening('a'), await listening('b'), await listening('c')];
    const single = await listening('single');
    const subjects = Array.from({ length: 25 }, (_, index) => `of many ${index}`);
    const mails = subjects.map((subject) => rawMail({ subject }));
    await Promise.all(['a', 'b', 'c'].map((name) => dovecot.append(`${user}-${name}`, mails)));
    await until('all that may run does', () => most === MOST_RUNS);
    await dovecot.append(`${user}-single`, [rawMail({ subject: 'the only one' })]);
    await until('it is recorded', async () => (await eventsOf(single)).length === 1);
    const before = sink.deliveries.length;
    await settled(single, 1);
    const begun = sink.deliveries.findIndex(({ subject }) => subject === 'the only one') - before;
    assert.ok(begun <= 2 * MOST_RUNS, `${begun} runs of others began before it`);
    assert.ok(sink.deliveries.length < 60, 'while many of the others waited');
    for (const id of ids) await settled(id, 25, 120_000);
    assert.equal(most, MOST_RUNS);
    assert.equal(sink.deliveries.length, 76);
  });

  it('gives each mail its own execution while few wait, and several share one when many do', async () => {
    const id = await published({ mailsPerRunAutomatic: true });
    await append('the only one');
    await settled(id, 1);
    await n8n.api.unpublish(id);
    await append(...Array.from({ length: 60 }, (_, index) => `one of many ${index}`));
    await n8n.api.publish(id);
    const events = await settled(id, 61, 60_000);
    assert.ok(events.every(({ state, attempt }) => state === 'DONE' && attempt === 1));
    const [first, ...others] = events.map(({ executionId }) => executionId);
    assert.ok(!others.includes(first!), 'the first one had its own');
    const executions = new Set(others).size;
    assert.ok(executions < 40, `${executions} executions of 60 mails`);
    assert.deepEqual([...new Set(sink.counts().values())], [1]);
  });

  it('tries a failed run again, until it succeeds', async () => {
    sink.answer = (_, earlier) => (earlier < 2 ? 500 : 200);
    const id = await published({ retrySchedule: '1s, 2s, 3s' });
    await append('fails twice');
    const [event] = await settled(id, 1);
    assert.ok(event);
    assert.deepEqual([event.state, event.attempt, event.failures], ['DONE', 3, 2]);
    assert.deepEqual(
      sink.deliveries.map(({ attempt }) => attempt),
      [1, 2, 3],
    );
    assert.equal(new Set(sink.deliveries.map(({ idempotencyKey }) => idempotencyKey)).size, 1);
  });

  it('sets a mail aside as DEAD when its retries are used up, with what went wrong', async () => {
    sink.answer = () => 500;
    const id = await published({ retrySchedule: '1s' });
    await append('always fails');
    const [event] = await settled(id, 1);
    assert.ok(event);
    assert.deepEqual([event.state, event.attempt, event.failures], ['DEAD', 2, 2]);
    assert.match(event.lastError ?? '', /^Sink: /);
    sink.answer = () => 200;
    await append('works');
    await until('the next mail is done', async () => (await eventsOf(id))[1]?.state === 'DONE');
  });

  it('unpublished leaves no connection; published again runs the mail of the meantime once', async () => {
    const id = await published();
    await append('before');
    await settled(id, 1);
    await n8n.api.unpublish(id);
    await until('no connection is open', () => proxy.open === 0, 15_000);
    await append('meanwhile one', 'meanwhile two');
    const connections = proxy.accepted;
    await n8n.api.publish(id);
    await settled(id, 3);
    assert.deepEqual([...sink.counts().values()], [1, 1, 1]);
    assert.equal(proxy.accepted, connections + 1);
  });

  it('runs two workflows for one mail over one connection', async () => {
    const [first, second] = [await published(), await published()];
    await append('for both');
    await Promise.all([settled(first, 1), settled(second, 1)]);
    assert.equal(sink.deliveries.length, 2);
    assert.equal(new Set(sink.deliveries.map(({ idempotencyKey }) => idempotencyKey)).size, 2);
    assert.equal(proxy.accepted, 1);
  });

  it('shows the newest mail in a manual test, and leaves ledger and mailbox alone', async () => {
    await append('older', 'newest');
    const id = await made();
    const ledgerBefore = (await n8n.events()).length;
    await n8n.api.runManually(id, 'Mail');
    const delivered = await until('the mail is shown', () => sink.deliveries[0]);
    assert.equal(delivered.subject, 'newest');
    assert.equal(delivered.eventId, 'manual-test');
    assert.equal((await n8n.events()).length, ledgerBefore);
    const client = await dovecot.client(user);
    const status = await client.status('INBOX', { unseen: true });
    assert.equal(status && status.unseen, 2, 'still unread');
    await client.logout();
  });

  const errorOf = async (execution: { id: string }): Promise<string> =>
    ((await n8n.api.request('GET', `/rest/executions/${execution.id}`)) as { data: string }).data;

  const badSettings: Record<string, { login: object; mailbox?: string; says: RegExp }> = {
    'a wrong host': { login: { host: 'mail.invalid' }, says: /The host \\"mail\.invalid\\" was not found/ },
    'a wrong port': { login: { port: 1 }, says: /127\.0\.0\.1:1 refused the connection/ },
    'a wrong password': {
      login: { proof: { password: 'not-this-one' } },
      says: /rejected the login of \\"user\d+\\"/,
    },
    'a wrong mailbox name': {
      login: {},
      mailbox: 'Inbux',
      says: /\\"Inbux\\" of \\"user\d+\\".*There are: \\"INBOX\\"/,
    },
  };
  for (const [what, { login, mailbox, says }] of Object.entries(badSettings)) {
    it(`says it is ${what}, in the editor and when published, and the trigger stays active`, async () => {
      const id = await made(mailbox ? { mailbox } : {}, login);
      await n8n.api.runManually(id, 'Mail');
      await until('the manual test fails', async () => (await failures(id)).length === 1);
      await n8n.api.publish(id);
      await until('the failure is reported', async () => (await failures(id)).length === 2);
      const executions = (await n8n.api.executions()).filter(({ workflowId }) => workflowId === id);
      for (const execution of executions) {
        const error = await errorOf(execution);
        assert.match(error, says);
        assert.doesNotMatch(error, /not-this-one/, 'no password in an error');
      }
      assert.deepEqual(await n8n.api.triggers(id), ['activated']);
    });
  }

  it('tells in the credential test of the editor which setting is wrong, and when all is well', async () => {
    const credentials: [login: object, status: string, says: RegExp][] = [
      [{}, 'OK', /^Logged in to 127\.0\.0\.1 as user\d+$/],
      [{ host: 'mail.invalid' }, 'Error', /The host "mail\.invalid" was not found/],
      [{ port: 1 }, 'Error', /127\.0\.0\.1:1 refused the connection/],
      [
        { proof: { password: 'not-this-one' } },
        'Error',
        /rejected the login of "user\d+".*in the credential "tested" \(Durable IMAP\)/,
      ],
      [{ secure: true }, 'Error', /No TLS connection.*SSL\/TLS/],
      [{ host: '' }, 'Error', /^Host is empty/],
      [{ startTls: 'required' }, 'Error', /does not offer STARTTLS.*Nothing was sent/],
      [
        { ca: 'no PEM' },
        'Error',
        /^"CA Certificate" in the credential "tested" \(Durable IMAP\) holds no certificate/,
      ],
    ];
    for (const [login, status, says] of credentials) {
      const credential = {
        name: 'tested',
        type: 'durableImap',
        data: credentialData({ ...dovecot.login(user), ...login }),
      };
      const { id } = await n8n.api.createCredential(credential.name, credential.type, credential.data);
      const answer = await n8n.api.testCredential({ id, ...credential });
      assert.equal(answer.status, status);
      assert.match(answer.message, says);
    }
  });

  it('works with a Durable IMAP credential as with an IMAP one', async () => {
    const id = await published({ authentication: 'durableImap' });
    await append('hello');
    const [event] = await settled(id, 1);
    assert.equal(event?.state, 'DONE');
  });

  it('refuses to be published with a setting that can never work, and says why', async () => {
    const id = await made({ retrySchedule: '30s, soon' });
    await assert.rejects(n8n.api.publish(id), /Retry After.*\\?"soon\\?" is not a time/s);
  });

  it('starts to work when its wrong password is put right, without being published again', async () => {
    const id = await made({}, { proof: { password: 'not-this-one' } });
    await n8n.api.publish(id);
    await until('the failure is reported', async () => (await failures(id)).length === 1);
    const { nodes } = await n8n.api.workflow(id);
    const credential = (nodes[0] as { credentials: { imap: { id: string; name: string } } }).credentials.imap;
    await n8n.api.updateCredential(credential.id, {
      name: credential.name,
      type: 'imap',
      data: credentialData(dovecot.login(user, { port: proxy.port })),
    });
    await n8n.watching(id, 120_000);
    await append('after it was put right');
    await settled(id, 1);
  });
});
