// Three real n8n and two collectors on one ledger and the same mailboxes: one connection a mailbox, whoever dies or stands still is
// replaced, and each mail takes effect once in each workflow. DURABLE_MAIL_SEVERAL_MAILBOXES raises its size.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup';
import { CollectorProcess } from '../support/collector-process';
import { killOutsideTheWindow } from '../support/counted';
import { Dovecot } from '../support/dovecot';
import { PostgresLedgerReader } from '../support/ledger-reader';
import { rawMail } from '../support/mails';
import { Connections, Way } from '../support/many/many';
import { N8n } from '../support/n8n';
import { PostgresServer } from '../support/postgres';
import { Sink } from '../support/sink';
import { until } from '../support/until';
import { mailWorkflow, postMail, runOnce } from '../support/workflows';

const MAILBOXES = Number(process.env['DURABLE_MAIL_SEVERAL_MAILBOXES'] ?? 6);
const TAKEOVER = { DURABLE_MAIL_TAKEOVER_SECONDS: '9' };
const DEADLINE_MS = 120_000;
/** Longer than a takeover. */
const FROZEN_MS = 15_000;

interface Instance {
  readonly n8n: N8n;
  readonly counter: Sink;
}

describe('three n8n and two collectors on one ledger', { timeout: 20 * 60_000 }, () => {
  const cleanup = new Cleanup();
  const connections = new Connections();
  const users = Array.from({ length: MAILBOXES }, (_, number) => `several-${number}`);
  const sent: string[] = [];
  let dovecot: Dovecot;
  let way: Way;
  let ledger: string;
  let folder: string;
  let instances: readonly Instance[];
  let collectors: CollectorProcess[];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-several-'));
    dovecot = await cleanup.of(Dovecot.start({ mostClients: 3 * MAILBOXES }));
    const postgres = await cleanup.of(PostgresServer.start({ fsync: false }));
    ledger = await postgres.createDatabase();
    for (const user of users) await (await dovecot.client(user)).logout();
    way = await new Way(dovecot.port, (socket, said) => connections.seen('all', socket, said)).begin();
  });
  after(async () => {
    way.end();
    await cleanup.run();
    await rm(folder, { recursive: true, force: true });
  });

  const login = (user: string) => dovecot.login(user, { port: way.port });

  const instance = async (name: string): Promise<Instance> => {
    const environment = {
      ...{ ...TAKEOVER, DURABLE_MAIL_POSTGRES_URL: ledger, DURABLE_MAIL_SHARED_LEDGER: 'true' },
      // The tests' n8n have one encryption key, from which n8n makes its instance's id.
      N8N_INSTANCE_ID: name,
    };
    const n8n = await cleanup.of(N8n.start(environment, { ledger: new PostgresLedgerReader(ledger) }));
    return { n8n, counter: await cleanup.of(Sink.start()) };
  };

  /** It counts each mail of each mailbox. */
  const publish = async ({ n8n, counter }: Instance): Promise<void> => {
    const options = { retrySchedule: '1s, 1s, 1s, 1s, 1s' };
    for (const user of users) {
      const steps = [runOnce(), postMail(counter, 'Counter')];
      await n8n.api.publish(await mailWorkflow(n8n, login(user), steps, { options }));
    }
  };

  const collector = async (): Promise<CollectorProcess> => {
    const account = (user: string): object => ({
      ...{ host: '127.0.0.1', port: way.port, user, password: { env: 'MAIL_PASSWORD' } },
      ...{ secure: false, startTls: 'ifOffered' },
    });
    const config = { accounts: Object.fromEntries(users.map((user) => [user, account(user)])), forN8n: true };
    const file = join(folder, 'mail.json');
    await writeFile(file, JSON.stringify(config));
    const { proof } = dovecot.login('any');
    assert.ok('password' in proof);
    const environment = { ...TAKEOVER, DURABLE_MAIL_POSTGRES_URL: ledger, MAIL_PASSWORD: proof.password };
    return cleanup.of(Promise.resolve(new CollectorProcess(['collect', '--config', file], environment)));
  };

  interface Held {
    readonly holder: string;
    readonly id: number;
    readonly connection: string;
  }
  const held = (): Promise<Held[]> =>
    instances[0]!.n8n.ledger<Held>(
      `select holder, id, connection from source
       where holder is not null and held_until > extract(epoch from now()) * 1000 order by id`,
    );

  /** Until these read all mailboxes, evenly, each over one connection. */
  const spread = (when: string, pids: readonly number[]): Promise<unknown> =>
    until(
      `all mailboxes are read, evenly, ${when}`,
      async () => {
        const rows = (await held()).filter(({ connection }) => ['idling', 'polling'].includes(connection));
        const each = pids.map(
          (pid) => rows.filter(({ holder }) => holder.split(':')[1] === String(pid)).length,
        );
        const isEven = Math.max(...each) - Math.min(...each) <= 1;
        const all = each.reduce((sum, n) => sum + n, 0);
        if (isEven && all === MAILBOXES && connections.count() === MAILBOXES) return true;
        throw new Error(
          `${JSON.stringify(each)}, ${connections.count()} connections: ${JSON.stringify(rows)}`,
        );
      },
      DEADLINE_MS,
      200,
    );

  const deliver = async (name: string): Promise<void> => {
    for (const user of users) {
      const subject = `${name}, for ${user}`;
      sent.push(subject);
      await dovecot.deliver(user, [rawMail({ subject })]);
    }
  };

  /** Until each mail was counted in each workflow of these; none twice. */
  const counted = async (when: string, those: readonly Instance[] = instances): Promise<void> => {
    await until(
      `every mail was counted, ${when}`,
      async () => {
        const missing = those.map(({ counter }) => sent.filter((subject) => !counter.counts().has(subject)));
        if (missing.every((some) => some.length === 0)) return true;
        throw new Error(`missing ${JSON.stringify(missing)}; ${JSON.stringify(await held())}`);
      },
      DEADLINE_MS,
      200,
    );
    for (const { counter } of instances) {
      const twice = [...counter.counts()].filter(([, count]) => count > 1);
      assert.deepEqual(twice, [], `counted twice, ${when}`);
    }
  };

  const mains = (): number[] => instances.map(({ n8n }) => n8n.main.pid!);

  it('share the mailboxes', async () => {
    instances = await Promise.all(['n8n-1', 'n8n-2', 'n8n-3'].map(instance));
    for (const each of instances) await publish(each);
    collectors = [await collector(), await collector()];
    await spread('by all five', [...mains(), ...collectors.map(({ pid }) => pid)]);
    await deliver('at first');
    await counted('at first');
    assert.deepEqual(connections.doubled, [], 'never two connections to one mailbox');
  });

  it('replace an n8n that is killed, whose workflows go on when it is back', async () => {
    const [killed, ...others] = instances as [Instance, ...Instance[]];
    await killOutsideTheWindow(
      killed.n8n,
      killed.n8n.main,
      instances.map(({ n8n }) => n8n.main),
    );
    await deliver('while one is killed');
    await counted('by the others', others);
    await killed.n8n.up();
    await counted('when it is back');
    await spread('by all five again', [...mains(), ...collectors.map(({ pid }) => pid)]);
  });

  it('replace a collector that is killed', async () => {
    const [killed, other] = collectors as [CollectorProcess, CollectorProcess];
    await killed.end('SIGKILL');
    collectors = [other];
    await deliver('without a collector');
    await counted('without a collector');
    await spread('by four', [...mains(), other.pid]);
    assert.deepEqual(connections.doubled, [], 'never two connections to one mailbox');
  });

  it('replace an n8n that stands still, which is fenced out when it goes on', async () => {
    const [, frozen] = instances as [Instance, Instance, Instance];
    const others = instances.filter((each) => each !== frozen);
    frozen.n8n.main.freeze();
    const began = performance.now();
    await deliver('while one stands still');
    await counted('by those that go on', others);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, FROZEN_MS - (performance.now() - began))));
    frozen.n8n.main.resume();
    await deliver('when it goes on');
    await counted('when it goes on');
    await spread('by four again', [...mains(), collectors[0]!.pid]);
  });

  it('leave no connection and no lease when they end, however slow the server says goodbye', async () => {
    way.lateMs = 1_000;
    await collectors[0]!.end();
    for (const { n8n } of instances) await n8n.down();
    await until('every connection is closed', () => connections.count() === 0);
    assert.deepEqual(await held(), []);
    await counted('at the end');
  });
});
