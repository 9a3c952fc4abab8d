// The process that bench/imap/apart.ts starts: does one task, tells what it took, and ends.
import { DatabaseSync } from 'node:sqlite';
import { ImapFlow } from 'imapflow';
import type { ImapLogin } from '../../engine/imap/session/login';
import { longestHold } from '../../test/support/slow-disk/ledger-holds';
import { threadTime } from '../../test/support/thread-time';
import { until } from '../../test/support/until';
import { Watching } from '../../test/support/watching';
import type { Measured, Task } from './apart';
import { pass } from './figures';
import { forgetPeak, peakBytes, residentBytes } from './memory';

const DEADLINE_MS = 300_000;
/** How many connections are made at a time. */
const AT_ONCE = 20;

type CollectTask = Extract<Task, { kind: 'collect' }>;

process.once('message', (task: Task) => {
  perform(task)
    .then((measured) => process.send!(measured, () => process.exit(0)))
    .catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    });
});

function perform(task: Task): Promise<Measured> {
  switch (task.kind) {
    case 'fetch':
      return fetchAll(task.login);
    case 'collect':
      return collect(task);
    case 'idle':
      return task.by === 'engine' ? idleEngine(task.logins) : idleBare(task.logins);
    case 'begin':
      return begin(task.login);
    case 'arrive':
      return arrive(task.login);
  }
}

/** Reads a whole mailbox, and keeps nothing. */
async function fetchAll(login: ImapLogin): Promise<Measured> {
  return measured(async () => {
    const client = await bareClient(login);
    await client.mailboxOpen('INBOX', { readOnly: true });
    let bytes = 0;
    for await (const { source } of client.fetch('1:*', { source: true, uid: true })) bytes += source!.length;
    await client.logout();
    if (bytes === 0) throw new Error('There were no mails');
  });
}

/** Reads what came while nobody read, into a ledger where the mailbox was subscribed to when it was empty. */
async function collect({ login, ledger, mails, looks, holds }: CollectTask): Promise<Measured> {
  const watching = await Watching.start({}, { file: ledger });
  const beside = new DatabaseSync(ledger, { readOnly: true, timeout: 5_000 });
  const cursor = beside.prepare("select cursor ->> 'uid' as uid from subscription");
  let live = 0;
  let looked = 0;
  const isDone = (): boolean => {
    const uid = Number(cursor.get()?.['uid']);
    if (uid >= (mails / looks) * (looked + 1)) {
      looked++;
      // The first one lets go of buffers, the second one counts them.
      gc!();
      gc!();
      const { heapUsed, external } = process.memoryUsage();
      live = Math.max(live, heapUsed + external);
    }
    return uid === mails;
  };
  const work = async (): Promise<void> => {
    const { leave } = await watching.join(login);
    await until('all is recorded', isDone, DEADLINE_MS, 10);
    await leave();
  };
  if (!holds) return { ...(await measured(work)), live };
  // Another mailbox first, so that what has to be loaded is there.
  const other = await watching.join({ ...login, user: `${login.user}-other` }, { workflowId: 'other' });
  await until('the other one is read', async () => hasCursor(watching, other.subscription.id), DEADLINE_MS);
  let held = 0;
  const result = await measured(async () => {
    held = await longestHold(work, threadTime);
  });
  return { ...result, longestHold: held };
}

async function idleEngine(logins: readonly ImapLogin[]): Promise<Measured> {
  const watching = await Watching.start();
  const beside = new DatabaseSync(watching.file, { readOnly: true, timeout: 5_000 });
  const idle = beside.prepare("select count(*) as idle from source where connection = 'idling'");
  const join = async (some: readonly ImapLogin[]): Promise<void> => {
    for (const login of some) await watching.join(login, { workflowId: login.user });
  };
  return idling(logins, join, () => Number(idle.get()!['idle']));
}

async function idleBare(logins: readonly ImapLogin[]): Promise<Measured> {
  const clients: ImapFlow[] = [];
  const join = async (some: readonly ImapLogin[]): Promise<void> => {
    const connect = async (login: ImapLogin): Promise<void> => {
      const client = await bareClient(login);
      await client.mailboxOpen('INBOX', { readOnly: true });
      void client.idle();
      clients.push(client);
    };
    await Promise.all(some.map(connect));
  };
  return idling(logins, join, () => clients.length);
}

/** The first one loads what all of them need, and does not count. */
async function idling(
  logins: readonly ImapLogin[],
  join: (logins: readonly ImapLogin[]) => Promise<void>,
  idle: () => number,
): Promise<Measured> {
  await join(logins.slice(0, 1));
  await until('the first one idles', () => idle() === 1, DEADLINE_MS);
  await collectGarbage();
  const before = await residentBytes(process.pid);
  const heldBefore = await heldBytes();
  const began = performance.now();
  // As n8n starts: it waits for each trigger, for some of them at a time.
  for (let from = 1; from < logins.length; from += AT_ONCE) {
    const some = logins.slice(from, from + AT_ONCE);
    await join(some);
    await until('they idle', () => idle() === from + some.length, DEADLINE_MS, 10);
  }
  const ms = performance.now() - began;
  await collectGarbage();
  const after = await residentBytes(process.pid);
  const held = (await heldBytes()) - heldBefore;
  return { ms, before, after, held, peak: await peakBytes(process.pid) };
}

/** A new subscription, from its first connection until it is known where it begins. */
async function begin(login: ImapLogin): Promise<Measured> {
  const watching = await Watching.start();
  // Another mailbox first, so that what has to be loaded is there.
  const other = await watching.join({ ...login, user: `${login.user}-other` }, { workflowId: 'other' });
  await until('the other one is read', async () => hasCursor(watching, other.subscription.id), DEADLINE_MS);
  await collectGarbage();
  return measured(async () => {
    const { subscription } = await watching.join(login);
    await until('it has a beginning', async () => hasCursor(watching, subscription.id), DEADLINE_MS, 5);
  });
}

/** A mail that arrives while it listens, until it is recorded. */
async function arrive(login: ImapLogin): Promise<Measured> {
  const watching = await Watching.start();
  const { subscription } = await watching.join(login);
  await until('it has a beginning', async () => hasCursor(watching, subscription.id), DEADLINE_MS);
  await collectGarbage();
  return measured(async () => {
    process.send!('ready');
    await until('it is recorded', () => watching.uids(subscription).length === 1, DEADLINE_MS);
  });
}

const hasCursor = async ({ ledger }: Watching, id: number): Promise<boolean> =>
  Boolean((await ledger.cursors([id])).get(id));

async function measured(work: () => Promise<void>): Promise<Measured> {
  const before = await residentBytes(process.pid);
  await forgetPeak(process.pid);
  const began = performance.now();
  await work();
  const ms = performance.now() - began;
  return { ms, before, after: await residentBytes(process.pid), peak: await peakBytes(process.pid) };
}

async function collectGarbage(): Promise<void> {
  for (let times = 0; times < 3; times++) {
    await pass(1_000);
    gc!();
  }
}

/** Resident when V8 has given back what it keeps in reserve, too, as it does where memory is short. */
async function heldBytes(): Promise<number> {
  await gc!({ type: 'major', execution: 'async', flavor: 'last-resort' });
  await gc!({ type: 'major', execution: 'async', flavor: 'last-resort' });
  return residentBytes(process.pid);
}

async function bareClient({ host, port, secure, user, proof }: ImapLogin): Promise<ImapFlow> {
  const client = new ImapFlow({
    host,
    port,
    secure,
    auth: { user, pass: 'password' in proof ? proof.password : '' },
    logger: false,
    disableAutoIdle: true,
    disableCompression: true,
    doSTARTTLS: false,
    tls: { rejectUnauthorized: false },
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
