// What the live feed costs the process that it is in: a thousand clients over HTTP, and twenty that never read, beside a ledger
// that records a hundred mails a second; against the same ledger with nobody listening, by turns. All clients are in processes
// of their own. Those that never read come with an old id, again and again: a system takes megabytes for each of them, which what
// is told live would not fill within a round.
//
//   npm run bench -- feed                    1,000 clients, 100 events a second, 3 rounds of 20 s
//   npm run bench -- feed 200 50 2 10        other numbers
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Feed } from '../engine/feed/feed';
import { ResponseClient } from '../engine/feed/response-client';
import { packContent } from '../engine/ledger/content';
import type { Ledger } from '../engine/ledger/ledger';
import type { Subscription } from '../engine/ledger/subscriptions';
import { openSqliteLedger } from '../engine/ledger/sqlite/sqlite-ledger';
import { ProcessWake } from '../engine/signal/wake';
import { held } from '../test/ledger/held';
import { deafClients } from '../test/support/feed/deaf-clients';
import { silentLog } from '../test/support/log';
import { until } from '../test/support/until';
import { median } from './timed';

const DEAF = 20;
/** So many mails are recorded before those that never read are full of them, at most. */
const MOST_FOR_THE_DEAF = 100_000;
const WARM_MS = 5_000;
const MOST = { core: 0.15, kilobytes: 30, lost: 0 };

/** What the clients, in a process of their own, tell of a round. */
interface Heard {
  readonly connections: number;
  /** Events of the clients that count them, and how many do. */
  readonly events: readonly number[];
  /** ms from the database's clock to here. */
  readonly delays: readonly number[];
  readonly lost: number;
}

interface Used {
  readonly core: number;
  readonly rss: number;
  /** Of it, after a collection. */
  readonly kept: number;
}

const asChild = process.argv[2] === 'clients';
const [clients = 1_000, perSecond = 100, rounds = 3, seconds = 20] = process.argv.slice(2).map(Number);

(asChild ? listen(Number(process.argv[3]), Number(process.argv[4])) : bench()).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

async function bench(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'durable-mail-feed-'));
  const ledger = await openSqliteLedger(join(folder, 'ledger.sqlite'));
  try {
    await measure(ledger);
  } finally {
    await ledger.close();
    await rm(folder, { recursive: true });
  }
}

async function measure(ledger: Ledger): Promise<void> {
  const feed = new Feed({
    ledger,
    changeAt: async () => (await ledger.changePositions()).oldest,
    mailsOf: null,
    wake: new ProcessWake(),
    log: silentLog,
  });
  const deaf = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    const query = new URL(request.url!, 'http://feed').searchParams;
    if (query.has('deaf')) deaf.add(response);
    const after = query.get('after');
    const leave = feed.join(ResponseClient.answer(response), after === null ? {} : { after });
    response.on('close', () => {
      deaf.delete(response);
      leave();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const mails = await Mails.begin(ledger);
  const { newest: old } = await ledger.changePositions();
  const beginDeaf = (): (() => Promise<void>) => deafClients(port, DEAF, `after=${old}`);
  const areFull = (): boolean => deaf.size === DEAF && [...deaf].every((one) => one.writableNeedDrain);
  const endFilled = beginDeaf();
  await until('those that never read are full', async () => {
    if (mails.count < MOST_FOR_THE_DEAF) await mails.flood();
    return areFull();
  });
  await endFilled();
  await mails.come(WARM_MS);
  const cuts: number[] = [];
  const round = async (count: number): Promise<[Used, Heard]> => {
    const child = fork(__filename, ['clients', String(port), String(count)], { execArgv: process.execArgv });
    await until('all clients listen', () => feed.clients === count);
    const endDeaf = beginDeaf();
    await until('those that never read are full', areFull);
    await mails.come(WARM_MS);
    const cutBefore = feed.cut;
    child.send('count');
    const use = await used(mails, seconds * 1_000);
    cuts.push(feed.cut - cutBefore);
    await setTimeout(1_000);
    child.send('tell');
    const [heard] = (await once(child, 'message')) as [Heard];
    child.disconnect();
    await Promise.all([endDeaf(), once(child, 'exit')]);
    await until('nobody listens', () => feed.clients === 0);
    return [use, heard];
  };
  // What all of them share is there with a few; and what the process once had, it keeps: the first time counts.
  const few = Math.round(clients / 10);
  const [ofFew] = await round(few);
  const [alone, told]: [Used[], Used[]] = [[], []];
  const heard: Heard[] = [];
  for (let n = 0; n < rounds; n++) {
    alone.push(await used(mails, seconds * 1_000));
    const [use, ofClients] = await round(clients);
    told.push(use);
    heard.push(ofClients);
  }
  feed.close();
  server.closeAllConnections();
  server.close();

  const delays = heard.flatMap((one) => one.delays).sort((a, b) => a - b);
  const events = heard.flatMap((one) => one.events);
  const lost = heard.reduce((sum, one) => sum + one.lost, 0);
  const core = median(told.map((one) => one.core)) - median(alone.map((one) => one.core));
  const memory = (of: 'rss' | 'kept'): number => (told[0]![of] - ofFew[of]) / (clients - few) / 1024;
  console.log(
    `${clients} clients at ${perSecond} events a second, ${rounds} rounds of ${seconds} s, ${DEAF} more that never read`,
  );
  console.log(`  the ledger alone: ${percent(median(alone.map((one) => one.core)))} of a core`);
  console.log(`  with the feed:    ${percent(median(told.map((one) => one.core)))} of a core`);
  console.log(
    `  from recorded to received: p50 ${at(delays, 0.5)} ms, p95 ${at(delays, 0.95)} ms, most ${delays.at(-1)} ms`,
  );
  console.log(`  events of a client in a round: ${Math.min(...events)} to ${Math.max(...events)}`);
  verdict('the feed in all', percent(core), core <= MOST.core, percent(MOST.core));
  verdict('memory a client', `${memory('kept').toFixed(1)} KB`, memory('kept') <= MOST.kilobytes, '30 KB');
  console.log(`       with what was not collected yet: ${memory('rss').toFixed(1)} KB`);
  verdict('clients lost that read', lost, lost <= MOST.lost, MOST.lost);
  // Fewer in a round that is too short to be full for ten seconds.
  const least = Math.min(...cuts);
  verdict('cuts of those that never read, in a round', least, least >= DEAF, `${DEAF} or more`);
}

/** Mails that are recorded one by one. */
class Mails {
  readonly #ledger: Ledger;
  readonly #to: Subscription;
  readonly #content: Buffer;
  #uid = 0;

  private constructor(ledger: Ledger, to: Subscription, content: Buffer) {
    this.#ledger = ledger;
    this.#to = to;
    this.#content = content;
  }

  static async begin(ledger: Ledger): Promise<Mails> {
    const to = await ledger.subscribe({
      ...{ workflowId: 'workflow', nodeId: 'node', retryDelaysMs: [1], guarantee: 'atLeastOnce' },
      ...{ source: { kind: 'imap', account: 'ann@mail.example', mailbox: 'INBOX' } },
      ...{ keepContentMs: 0, retentionMs: 86_400_000, afterSuccess: null, whenDead: null },
    });
    return new Mails(ledger, to, await packContent(Buffer.from('Subject: hello\r\n\r\nhi')));
  }

  async come(forMs: number): Promise<void> {
    const hold = await held(this.#ledger, this.#to.sourceId);
    const began = performance.now();
    for (let n = 0; n < (forMs / 1_000) * perSecond; n++) {
      const wait = began + (n * 1_000) / perSecond - performance.now();
      if (wait > 0) await setTimeout(wait);
      await this.#ledger.record({ hold, messages: [this.#mail()], cursors: [] });
    }
  }

  get count(): number {
    return this.#uid;
  }

  /** Many at once. */
  async flood(): Promise<void> {
    const hold = await held(this.#ledger, this.#to.sourceId);
    await this.#ledger.record({
      hold,
      messages: Array.from({ length: 500 }, () => this.#mail()),
      cursors: [],
    });
  }

  #mail() {
    const uid = ++this.#uid;
    return {
      ...{ identity: `uid:1:${uid}:INBOX`, softIdentity: null, accountWide: false, weakIdentity: null },
      ...{
        messageId: `<${uid}@bench>`,
        sender: 'bob@mail.example',
        subject: `Mail ${uid}`,
        uid,
        uidValidity: '1',
      },
      ...{ receivedAt: 1_700_000_000_000, size: 22, content: this.#content, due: [this.#to.id] },
    };
  }
}

/** By mails, not by time: on a busy machine fewer of them come. */
async function used(mails: Mails, ms: number): Promise<Used> {
  const cpu = process.cpuUsage();
  await mails.come(ms);
  const { user, system } = process.cpuUsage(cpu);
  const core = (user + system) / 1_000 / ms;
  const { rss } = process.memoryUsage();
  // What lies about is the garbage of the last seconds, and as much as V8 likes.
  for (let time = 0; time < 3; time++) collect();
  await setTimeout(1_000);
  return { core, rss, kept: process.memoryUsage.rss() };
}

function collect(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** The clients: a process of their own. Every tenth counts its events and how long they took. */
async function listen(port: number, count: number): Promise<void> {
  const events: number[] = [];
  let delays: number[] = [];
  let lost = 0;
  let isCounting = false;
  for (let n = 0; n < count; n++) {
    const socket = connect(port, '127.0.0.1');
    socket.on('close', () => lost++);
    socket.on('error', () => undefined);
    if (n % 10 === 0) {
      const mine = events.push(0) - 1;
      // What is cut within the two is counted by nobody: a write is one packet here, as a rule.
      socket.setEncoding('utf8').on('data', (text: string) => {
        if (!isCounting) return;
        const now = Date.now();
        for (const [, time] of text.matchAll(/"type":"email.new","time":"([^"]+)"/g)) {
          events[mine]!++;
          delays.push(now - Date.parse(time!));
        }
      });
    } else socket.resume();
    await once(socket, 'connect');
    socket.write('GET /events HTTP/1.1\r\nHost: feed\r\n\r\n');
  }
  process.on('message', (message) => {
    if (message === 'count') {
      isCounting = true;
      return;
    }
    process.send!({ connections: count, events, delays, lost } satisfies Heard);
    delays = [];
  });
  process.on('disconnect', () => process.exit());
}

const at = (sorted: readonly number[], part: number): number =>
  sorted[Math.floor(sorted.length * part)] ?? NaN;

const percent = (part: number): string => `${(part * 100).toFixed(1)} %`;

function verdict(what: string, value: number | string, met: boolean, goal: number | string): void {
  console.log(`${met ? 'ok    ' : 'MISSED'} ${what}: ${value} (goal: ${goal})`);
}
