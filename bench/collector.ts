// What a mailbox costs a collector: a process of the command `durable-mail` that watches very many on one mail server, with a ledger
// in Postgres, and hands each mail over as a webhook.
//
//   npm run bench -- collector            1 mailbox beside 1,000
//   npm run bench -- collector 1,200      other numbers
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CollectorProcess } from '../test/support/collector-process';
import { Dovecot } from '../test/support/dovecot';
import { rawMail } from '../test/support/mails';
import { PostgresServer } from '../test/support/postgres';
import { until } from '../test/support/until';
import { Receiver } from '../test/support/webhook/receiver';
import { measured } from './measured';

const PASSWORD = 'dovecot-test-password';
const DEADLINE_MS = 15 * 60_000;
/** Until what connecting took of memory is free again. */
const REST_MS = 20_000;
const MAILS = 100;

const sizes = (process.argv[2] ?? '1,1000').split(',').map(Number);

interface Figures {
  readonly mailboxes: number;
  readonly connectedMs: number;
  readonly bytes: number;
  /** Of its processor's time, while nothing comes. */
  readonly idleShare: number;
  /** From the delivery of a mail to the webhook, ms. */
  readonly latencies: readonly number[];
}

const cleanup = measured(bench);

async function bench(): Promise<void> {
  if (sizes.some((size) => !(size >= 1))) throw new Error(`Not a list of numbers: ${process.argv[2]}`);
  const dovecot = await cleanup.of(Dovecot.start({ mostClients: Math.max(...sizes) + 100 }));
  const postgres = await cleanup.of(PostgresServer.start());
  const all: Figures[] = [];
  for (const size of sizes) {
    const figures = await figuresOf(size, dovecot, await postgres.createDatabase());
    all.push(figures);
    const { connectedMs, bytes, idleShare, latencies } = figures;
    console.log(
      `${size} mailboxes: all connected after ${(connectedMs / 1000).toFixed(1)} s; ${(bytes / 1024 ** 2).toFixed(0)} MB; ` +
        `${(idleShare * 100).toFixed(1)} % of a core while nothing comes; a mail is handed over after p50 ` +
        `${at(latencies, 0.5)} ms, p95 ${at(latencies, 0.95)} ms`,
    );
  }
  const [few, many] = [all[0]!, all.at(-1)!];
  if (many.mailboxes > few.mailboxes) {
    const each = (many.bytes - few.bytes) / (many.mailboxes - few.mailboxes);
    console.log(`${(each / 1024).toFixed(0)} KB for a mailbox`);
  }
}

const at = (sorted: readonly number[], part: number): string =>
  sorted[Math.floor(sorted.length * part)]!.toFixed(0);

async function figuresOf(mailboxes: number, dovecot: Dovecot, ledger: string): Promise<Figures> {
  await using receiver = await Receiver.open();
  const folder = await mkdtemp(join(tmpdir(), 'durable-mail-bench-'));
  const users = Array.from({ length: mailboxes }, (_, index) => `bench-${mailboxes}-${index}`);
  const account = (user: string): object => ({
    ...{ host: '127.0.0.1', port: dovecot.port, user, password: { env: 'MAIL_PASSWORD' } },
    ...{ secure: false, startTls: 'never' },
  });
  const config = {
    accounts: Object.fromEntries(users.map((user) => [user, account(user)])),
    jobs: {
      all: {
        accounts: '*',
        to: { webhook: { url: receiver.url(), secret: { env: 'HOOK_SECRET' }, allowOwnNetwork: true } },
      },
    },
  };
  const file = join(folder, 'mail.json');
  await writeFile(file, JSON.stringify(config));
  const began = performance.now();
  const collector = new CollectorProcess(['collect', '--config', file], {
    MAIL_PASSWORD: PASSWORD,
    HOOK_SECRET: `whsec_${randomBytes(32).toString('base64')}`,
    DURABLE_MAIL_POSTGRES_URL: ledger,
  });
  try {
    const lines = (what: RegExp): number => collector.written.match(what)?.length ?? 0;
    await until(
      'all are connected',
      () => {
        if (lines(/\] connected/g) >= mailboxes) return true;
        throw new Error(`${lines(/\] connected/g)} are; ${collector.written.slice(-500)}`);
      },
      DEADLINE_MS,
    );
    const connectedMs = performance.now() - began;
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    const before = await cpuMs(collector.pid);
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    const idleShare = ((await cpuMs(collector.pid)) - before) / REST_MS;
    const bytes = await residentBytes(collector.pid);
    const latencies: number[] = [];
    for (let mail = 0; mail < MAILS; mail++) {
      const sentAt = performance.now();
      await dovecot.append(users[Math.floor(Math.random() * mailboxes)]!, [
        rawMail({ subject: `mail ${mail}` }),
      ]);
      await until('it is handed over', () => receiver.received.length > mail, 60_000, 1);
      latencies.push(performance.now() - sentAt);
    }
    return { mailboxes, connectedMs, bytes, idleShare, latencies: latencies.sort((a, b) => a - b) };
  } finally {
    await collector.end();
    await rm(folder, { recursive: true, force: true });
  }
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) * 1024;
}

/** All of its threads. */
async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
