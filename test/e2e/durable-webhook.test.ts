// Durable Webhook, endpoints and Outbox Trigger in a real n8n, with a real receiver.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import { type Credentials, durableSend, smtpCredential, storedEntries } from '../support/durable-send';
import { durableWebhook, signingCredential, storedWebhooks, subscriber } from '../support/durable-webhook';
import { rawMail } from '../support/mails';
import { N8n } from '../support/n8n';
import { type Notice, noticesIn, outboxWorkflow, startsOf } from '../support/outbox-trigger';
import { postUnderKills } from '../support/posted-under-kills';
import { Sink } from '../support/sink';
import { FaultySmtp } from '../support/smtp';
import { until } from '../support/until';
import { IdempotentReceiver, WEBHOOK_SECRET } from '../support/webhook/idempotent';
import { type Answering, Receiver } from '../support/webhook/receiver';
import { mailWorkflow, postTo, type Step } from '../support/workflows';

const PATIENCE_MS = 120_000;

describe('Durable Webhook', { timeout: 25 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let dovecot: Dovecot;
  let n8n: N8n;
  let sink: Sink;
  let receiver: Receiver;
  let idempotent: IdempotentReceiver;
  let credentials: Credentials;
  let users = 0;

  before(async () => {
    dovecot = await cleanup.of(Dovecot.start());
    receiver = await Receiver.open();
    await cleanup.of(Promise.resolve({ close: () => receiver[Symbol.asyncDispose]() }));
    idempotent = await cleanup.of(IdempotentReceiver.open());
    sink = await cleanup.of(Sink.start());
    const allowed = [receiver, idempotent.receiver].map(({ port }) => `127.0.0.1:${port}`).join();
    n8n = await cleanup.of(N8n.start({ DURABLE_MAIL_WEBHOOK_OWN_NETWORK: allowed }));
    credentials = await signingCredential(n8n);
  });
  after(() => cleanup.run());

  const tell = (subject: string): Step =>
    postTo(sink, { subject, attempt: '0', text: '={{ JSON.stringify($json) }}' }, {}, 'Tell');

  /** A published workflow that begins with a mail, and how to send it one. */
  async function begun(
    steps: readonly Step[],
  ): Promise<{ id: string; mail: (subject: string) => Promise<void> }> {
    const user = `poster${++users}`;
    const id = await mailWorkflow(n8n, dovecot.login(user), steps, { options: { retrySchedule: '1s, 1s' } });
    await n8n.api.publish(id);
    await n8n.watching(id);
    return { id, mail: (subject) => dovecot.append(user, [rawMail({ subject })]) };
  }

  const settled = (id: string, count = 1): Promise<{ id: string; state: string; lastError: string | null }> =>
    until(
      'the mail is settled',
      async () => {
        const ended = (await n8n.events()).filter(
          ({ workflow, state }) => workflow === id && /DONE|DEAD/.test(state),
        );
        return ended.length === count && ended[0];
      },
      PATIENCE_MS,
    );

  it('posts once where a later step fails, signed, and hands the same answer to the retry', async () => {
    receiver.answering = (response) => void response.end('taken');
    sink.answer = (_, earlier) => (earlier === 0 ? 500 : 200);
    const { id, mail } = await begun([durableWebhook(credentials, receiver.url()), tell('once')]);
    await mail('once');
    assert.equal((await settled(id)).state, 'DONE');
    assert.equal(receiver.received.length, 1);
    const { headers, body } = receiver.received[0]!;
    new Webhook(WEBHOOK_SECRET).verify(body.toString(), headers as never);
    const [first, again] = sink.deliveries.map(({ text }) => JSON.parse(text) as { outbox: object });
    assert.deepEqual(again, { ...first, outbox: { ...first!.outbox, repeated: true } });
  });

  it('tells endpoints of what became of mails, and starts the Outbox Trigger for what a person has to see to, once each', async () => {
    const smtp = await FaultySmtp.start();
    await cleanup.of(Promise.resolve({ close: () => smtp.stop() }));
    const heard = await cleanup.of(Sink.start());
    const watching = await outboxWorkflow(n8n, heard, {
      ...{ when: ['failed', 'unknown', 'bounced', 'endpointAside'], entryKind: 'all' },
    });
    const told = (isIt: (notice: Notice) => boolean): Promise<Notice> =>
      until('the trigger has started', () => noticesIn(heard).find(isIt), PATIENCE_MS);
    const answers: Record<string, Answering> = {
      '/gone': (response) => void response.writeHead(410).end('gone'),
      '/left': (response) => void response.writeHead(410).end(),
      '/doubt': (_response, _received, socket) => void socket.destroy(),
    };
    receiver.received.length = 0;
    receiver.answering = (response, received, socket) =>
      answers[received.path] ? answers[received.path]!(response, received, socket) : void response.end();
    const url = (path: string): string => receiver.url(undefined, path);
    const at = (path: string) => receiver.received.filter((one) => one.path === path);

    // Published first: an endpoint is told from when it is subscribed.
    const dying = await begun([durableWebhook(credentials, url('/gone'))]);
    const doubtful = await begun([durableWebhook(credentials, url('/doubt'), { inDoubt: 'aside' })]);
    const [{ source }] = (await n8n.ledger<{ source: number }>(
      `select source_id as source from subscription where workflow_id = '${dying.id}'`,
    )) as [{ source: number }];
    const subscribe = await subscriber(n8n, credentials);
    const events = ['email.new', 'email.dead'];
    await subscribe({ name: 'both', url: url('/both'), events, workflow: dying.id, source: String(source) });
    await subscribe({
      name: 'other',
      url: url('/other'),
      events,
      workflow: dying.id,
      source: String(source + 1),
    });
    await subscribe({ name: 'left', url: url('/left'), events: ['email.new'], workflow: dying.id });

    await Promise.all([dying.mail('dies'), doubtful.mail('in doubt')]);
    const dead = await settled(dying.id);
    assert.equal(dead.state, 'DEAD');
    assert.match(dead.lastError ?? '', /The webhook was not sent/);
    assert.equal((await settled(doubtful.id)).state, 'DEAD');
    await until('the endpoint is told', () => at('/both').length === 2, PATIENCE_MS);
    const bodies = at('/both').map(({ headers, body }) => {
      const verified = new Webhook(WEBHOOK_SECRET).verify(body.toString(), headers as never);
      return verified as { type: string; data: { event: string; workflow: string; source: number } };
    });
    assert.deepEqual(
      bodies.map(({ type, data }) => [type, data.event, data.workflow, data.source]).sort(),
      events.map((type) => [type, dead.id, dying.id, source]).sort(),
    );
    assert.equal(new Set(at('/both').map(({ headers }) => headers['webhook-id'])).size, 2);

    const failed = await told(({ reason, entry }) => reason === 'FAILED' && entry?.workflowId === dying.id);
    assert.match(failed.entry!.error!, /410/);
    assert.equal((await told(({ reason }) => reason === 'UNKNOWN')).entry!.workflowId, doubtful.id);
    const { endpoint } = await told(({ reason }) => reason === 'ENDPOINT_SET_ASIDE');
    assert.equal(endpoint!.name, 'left');
    // What was to be told to the endpoint failed for good, too.
    await told(({ reason, entry }) => reason === 'FAILED' && entry?.workflowId === null);

    // Killed while the execution for one bounce runs, and another one comes back meanwhile.
    const sending = await begun([durableSend(await smtpCredential(n8n, smtp))]);
    await sending.mail('one');
    await settled(sending.id);
    await sending.mail('two');
    await settled(sending.id, 2);
    const [one, two] = (await storedEntries(n8n)).filter(({ messageId }) => messageId !== null);
    const bounce = async ({ messageId }: { messageId: string | null }): Promise<void> => {
      const ledger = await openSqliteLedger(join(n8n.folder, '.n8n', 'durable-mail', 'ledger.sqlite'));
      try {
        assert.equal(
          (await ledger.noteBounces([{ messageId: messageId!, reason: 'No such user' }])).length,
          1,
        );
      } finally {
        await ledger.close();
      }
    };
    heard.answer = () => new Promise(() => undefined);
    await bounce(one!);
    assert.equal((await told(({ reason }) => reason === 'BOUNCED')).entry!.id, one!.id);
    await n8n.down('SIGKILL');
    await bounce(two!);
    heard.answer = () => 200;
    await n8n.up();
    await told(({ entry }) => entry?.id === two!.id);
    const reasons = noticesIn(heard).map(({ reason, entry }) => `${reason} ${entry?.workflowId ?? '-'}`);
    assert.deepEqual(
      reasons.sort(),
      [
        `BOUNCED ${sending.id}`,
        `BOUNCED ${sending.id}`,
        'ENDPOINT_SET_ASIDE -',
        'FAILED -',
        `FAILED ${dying.id}`,
        `UNKNOWN ${doubtful.id}`,
      ],
      'once each',
    );
    assert.equal(await startsOf(n8n, watching), 6);
    assert.deepEqual([at('/gone').length, at('/doubt').length, at('/left').length], [1, 1, 1]);
    assert.deepEqual([at('/both').length, at('/other').length], [2, 0]);
    assert.equal((await storedWebhooks(n8n, url('/gone'))).length, 1);
    for (const id of [watching, dying.id, doubtful.id, sending.id]) await n8n.api.unpublish(id);
  });

  it('posts for each mail under one id, while n8n is killed five times', async (t) => {
    await postUnderKills(t, {
      ...{ n8n, dovecot, receiver: idempotent, victim: n8n.main },
      mails: 100,
      kills: 5,
    });
  });
});
