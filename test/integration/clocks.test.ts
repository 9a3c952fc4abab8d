// A process whose wall clock jumps by an hour, either way, and one that stands still for longer than every lease (a machine that
// slept), while mails come and go out: nothing goes out twice, and nothing waits for the length of the jump.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { buildIfChanged } from '../../tools/build.mjs';
import { Cleanup } from '../support/cleanup';
import { CollectorProcess } from '../support/collector-process';
import { Dovecot } from '../support/dovecot';
import { JumpingClock } from '../support/jumping-clock/jumping-clock';
import { rawMail } from '../support/mails';
import { PostgresServer } from '../support/postgres';
import { noPreload } from '../support/preload';
import { until } from '../support/until';
import { Receiver, type Received } from '../support/webhook/receiver';

const HOUR_MS = 3_600_000;
/** Longer than a source's lease, and than a run's. */
const SLEEP_MS = 65_000;
/** Far below an hour, and above every wait that there is here. */
const SOON_MS = 100_000;
const PASSWORD = 'dovecot-test-password';
const RETRIES = `outgoing where state = 'QUEUED' and tries > 0`;

const subjectOf = ({ body }: Received): string =>
  (JSON.parse(body.toString()) as { readonly data: { readonly subject: string } }).data.subject;

// Both at once: most of their time both sleep.
const HOW = { timeout: 10 * 60_000, concurrency: true, skip: noPreload };
describe('a clock that jumps, and a machine that sleeps', HOW, () => {
  const cleanup = new Cleanup();
  let folder: string;
  let dovecot: Dovecot;
  let postgres: PostgresServer;
  let clocks: JumpingClock;

  before(async () => {
    await buildIfChanged();
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-clock-'));
    [dovecot, postgres, clocks] = await Promise.all([
      cleanup.of(Dovecot.start()),
      cleanup.of(PostgresServer.start({ fsync: false })),
      cleanup.of(JumpingClock.make()),
    ]);
  });
  after(async () => {
    await cleanup.run();
    await rm(folder, { recursive: true, force: true });
  });

  /** @param retries how many wait for their next try @param others processes beside the one whose clock jumps */
  const proved = async (
    user: string,
    ledger: Readonly<Record<string, string>>,
    retries: () => Promise<number>,
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
    const { environment: jumps, jump } = await clocks.clock();
    const config = join(folder, `${user}.json`);
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
    const jumping = await start(jumps);
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
      await until(
        'its next try has its time',
        async () => refused.has(before) && (await retries()) > 0,
        SOON_MS,
        5,
      );
      await jump(hours * HOUR_MS);
      await come(name, `again: ${name}`);
      await arrived(name);
    }
    const last = 'again: before the sleep';
    await come(last);
    await until(
      'its next try has its time',
      async () => refused.has(last) && (await retries()) > 0,
      SOON_MS,
      5,
    );
    jumping.signal('SIGSTOP');
    await come('while it slept', 'again: while it slept');
    await pause(SLEEP_MS);
    await jump(HOUR_MS);
    jumping.signal('SIGCONT');
    await arrived('after the sleep');
    await come('awake again');
    await arrived('awake again');
    assert.equal((await jumping.end()).code, 0);
    assert.deepEqual(taken.toSorted(), sent.toSorted(), 'each once');
  };

  it('over SQLite, whose clock is that of the process: nothing is lost, doubled, or waits for the jump', async () => {
    const file = join(folder, 'clock.sqlite');
    const retries = async (): Promise<number> => {
      using database = new DatabaseSync(file, { readOnly: true });
      return Number(database.prepare(`select count(*) as n from ${RETRIES}`).get()!['n']);
    };
    await proved('sam', { DURABLE_MAIL_SQLITE_FILE: file }, retries, 0);
  });

  it('over Postgres, beside a process whose clock is right', async () => {
    const url = await postgres.createDatabase('clock');
    const retries = async (): Promise<number> => {
      const sql = `select count(*) as n from durable_mail.${RETRIES}`;
      const [row] = await postgres.query('clock', sql);
      return Number((row as { n: string }).n);
    };
    await proved('tom', { DURABLE_MAIL_POSTGRES_URL: url }, retries, 1);
  });
});
