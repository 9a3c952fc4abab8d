// A process whose wall clock jumps by an hour, either way, and one that stands still for longer than every lease (a machine that
// slept), while mails come and go out: nothing goes out twice, and nothing waits for the length of the jump.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { buildIfChanged } from '../../tools/build.mjs';
import { Cleanup } from '../support/cleanup';
import { CollectorProcess } from '../support/collector-process';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { PostgresServer } from '../support/postgres';
import { until } from '../support/until';
import { Receiver, type Received } from '../support/webhook/receiver';

const HOUR_MS = 3_600_000;
/** Longer than a source's lease, and than a run's. */
const SLEEP_MS = 65_000;
/** Far below an hour, and above every wait that there is here. */
const SOON_MS = 100_000;
const CLOCK = join(__dirname, '..', 'support', 'jumping-clock.cjs');
const PASSWORD = 'dovecot-test-password';

const subjectOf = ({ body }: Received): string =>
  (JSON.parse(body.toString()) as { readonly data: { readonly subject: string } }).data.subject;

// Both at once: most of their time both sleep.
describe('a clock that jumps, and a machine that sleeps', { timeout: 10 * 60_000, concurrency: true }, () => {
  const cleanup = new Cleanup();
  let folder: string;
  let dovecot: Dovecot;
  let postgres: PostgresServer;

  before(async () => {
    await buildIfChanged();
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-clock-'));
    [dovecot, postgres] = await Promise.all([
      cleanup.of(Dovecot.start()),
      cleanup.of(PostgresServer.start({ fsync: false })),
    ]);
  });
  after(async () => {
    await cleanup.run();
    await rm(folder, { recursive: true, force: true });
  });

  /** @param others processes beside the one whose clock jumps */
  const proved = async (
    user: string,
    ledger: Readonly<Record<string, string>>,
    others: number,
  ): Promise<void> => {
    await using receiver = await Receiver.open();
    /** What was taken, each time. */
    const taken: string[] = [];
    const refused = new Set<string>();
    receiver.answering = (response, received) => {
      const subject = subjectOf(received);
      // Of some the first try fails, so that they wait for a time that was worked out before a jump.
      if (subject.startsWith('again') && !refused.has(subject)) {
        refused.add(subject);
        // It says how long it wants to be left alone: else the whole receiver is, for half a minute after each.
        response.writeHead(503, { 'retry-after': '2' }).end();
        return;
      }
      taken.push(subject);
      response.end();
    };
    const clock = join(folder, randomBytes(6).toString('hex'));
    const jump = async (hours: number): Promise<void> => {
      await writeFile(`${clock}.new`, String(hours * HOUR_MS));
      await rename(`${clock}.new`, clock);
    };
    await jump(0);
    const config = `${clock}.json`;
    await writeFile(
      config,
      JSON.stringify({
        accounts: {
          [user]: {
            ...{ host: '127.0.0.1', port: dovecot.port, user, password: { env: 'MAIL_PASSWORD' } },
            ...{ secure: false, startTls: 'ifOffered' },
          },
        },
        jobs: {
          all: {
            accounts: '*',
            to: {
              webhook: {
                ...{ url: receiver.url(), secret: { env: 'HOOK_SECRET' }, allowOwnNetwork: true },
                tries: Array<number>(20).fill(2),
              },
            },
          },
        },
      }),
    );
    const start = async (environment: Readonly<Record<string, string>>): Promise<CollectorProcess> => {
      const secrets = { MAIL_PASSWORD: PASSWORD, HOOK_SECRET: `whsec_${randomBytes(32).toString('base64')}` };
      const made = new CollectorProcess(['collect', '--config', config], {
        ...secrets,
        ...ledger,
        ...environment,
      });
      await cleanup.of(Promise.resolve(made));
      return made;
    };
    const jumping = await start({ NODE_OPTIONS: `--require ${CLOCK}`, JUMPING_CLOCK: clock });
    await jumping.line(/\] connected/);
    for (let more = 0; more < others; more++) await start({});
    const sent: string[] = [];
    const come = async (...subjects: string[]): Promise<void> => {
      sent.push(...subjects);
      await dovecot.append(
        user,
        subjects.map((subject) => rawMail({ subject })),
      );
    };
    const arrived = async (when: string): Promise<void> => {
      const missing = (): string[] => sent.filter((subject) => !taken.includes(subject));
      await until(`all arrived, ${when}`, () => missing().length === 0, SOON_MS).catch((error: unknown) => {
        throw new Error(`${(error as Error).message}: ${missing().join(', ')}\n${jumping.written}`);
      });
    };
    await come('at first', 'again: at first');
    await arrived('before any jump');
    for (const [name, hours] of [
      ['forward', 1],
      ['back', -1],
      ['to where it was', 0],
    ] as const) {
      const before = `again: before it went ${name}`;
      await come(before);
      await until('its first try has failed', () => refused.has(before), SOON_MS);
      await jump(hours);
      await come(name, `again: ${name}`);
      await arrived(name);
    }
    await come('again: before the sleep');
    await until('its first try has failed', () => refused.has('again: before the sleep'), SOON_MS);
    jumping.signal('SIGSTOP');
    await come('while it slept', 'again: while it slept');
    await pause(SLEEP_MS);
    await jump(1);
    jumping.signal('SIGCONT');
    await arrived('after the sleep');
    await come('awake again');
    await arrived('awake again');
    assert.equal((await jumping.end()).code, 0);
    assert.deepEqual(taken.toSorted(), sent.toSorted(), 'each once');
  };

  it('over SQLite, whose clock is that of the process: nothing is lost, doubled, or waits for the jump', () =>
    proved('sam', { DURABLE_MAIL_SQLITE_FILE: join(folder, 'clock.sqlite') }, 0));

  it('over Postgres, beside a process whose clock is right', async () =>
    proved('tom', { DURABLE_MAIL_POSTGRES_URL: await postgres.createDatabase('clock') }, 1));
});
