// How long a SQLite ledger holds the event loop of the process that uses it: while mails go their way, while another
// process holds the file's lock, and while people look at a large ledger.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import type { Ledger } from '../../../engine/ledger/ledger';
import type { NewMessage } from '../../../engine/ledger/recording';
import type { NewSubscription, Subscription } from '../../../engine/ledger/subscriptions';
import type { SourceHold } from '../../../engine/ledger/source-holds';
import { openHere } from '../../../engine/ledger/sqlite/here';
import { openSqliteLedger } from '../../../engine/ledger/sqlite/sqlite-ledger';
import { held } from '../../ledger/held';

/** `own`: in a thread of its own; `here`: the same adapter in the thread that asks. */
export type Where = 'own' | 'here';

const opened = async (where: Where, file: string): Promise<Ledger> =>
  where === 'own' ? openSqliteLedger(file) : (await openHere(file)).ledger;

/**
 * @param clock ms; what is not this thread's counts by the default one
 * @returns the longest time between two turns of the event loop, ms; it turns each millisecond
 */
export async function longestHold(
  work: () => Promise<unknown>,
  clock: () => number = () => performance.now(),
): Promise<number> {
  // What was done before is over, and not counted.
  await setTimeout(20);
  let longest = 0;
  let last = clock();
  const look = (): void => {
    const now = clock();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const looking = setInterval(look, 1);
  await work();
  look();
  clearInterval(looking);
  return longest;
}

export const subscription: NewSubscription = {
  workflowId: 'workflow',
  nodeId: 'node',
  source: { kind: 'imap', account: 'ann@mail.example', mailbox: 'INBOX' },
  retryDelaysMs: [30_000],
  guarantee: 'atLeastOnce',
  keepContentMs: 0,
  retentionMs: 90 * 86_400_000,
  afterSuccess: null,
  whenDead: null,
};

/** Mails on their way through a ledger. */
export class Traffic {
  #uid = 0;

  private constructor(
    readonly ledger: Ledger,
    readonly to: Subscription,
    readonly hold: SourceHold,
  ) {}

  static async begin(ledger: Ledger): Promise<Traffic> {
    const to = await ledger.subscribe(subscription);
    return new Traffic(ledger, to, await held(ledger, to.sourceId));
  }

  record(count: number): Promise<readonly number[]> {
    const messages = Array.from({ length: count }, () => this.mail());
    return this.ledger.record({ hold: this.hold, messages, cursors: [] });
  }

  /** So many mails from being recorded to their end, one after the other. */
  async pass(count: number): Promise<void> {
    await this.record(count);
    const request = { subscriptionIds: [this.to.id], mostRuns: count, mailsPerRun: 1, leaseMs: 600_000 };
    const { runs } = await this.ledger.offer(request);
    for (const { pointers } of runs) {
      await this.ledger.claim(pointers, '1', 600_000);
      await this.ledger.contents(pointers.map(({ event }) => event));
      await this.ledger.settle(pointers, { kind: 'success' });
    }
  }

  mail(): NewMessage {
    const uid = ++this.#uid;
    return {
      identity: `uid:1:${uid}:INBOX`,
      softIdentity: null,
      accountWide: false,
      weakIdentity: null,
      messageId: `<${uid}@mail.example>`,
      sender: 'bob@mail.example',
      subject: `Mail ${uid}`,
      uid,
      uidValidity: '1',
      receivedAt: 1,
      size: 6_000,
      content: Buffer.alloc(6_000, uid),
      due: [this.to.id],
    };
  }
}

/** Mails go their way. @returns the longest hold, ms */
export async function holdOfMails(where: Where, file: string, mails: number): Promise<number> {
  const ledger = await opened(where, file);
  const traffic = await Traffic.begin(ledger);
  await traffic.pass(1);
  const hold = await longestHold(() => traffic.pass(mails));
  await ledger.close();
  return hold;
}

/** Another process has locked the file for so long; a mail is recorded when it lets go. @returns the longest hold, ms */
export async function holdOfLock(where: Where, file: string, lockMs: number): Promise<number> {
  const ledger = await opened(where, file);
  const traffic = await Traffic.begin(ledger);
  const locking = `
    const { DatabaseSync } = require('node:sqlite');
    new DatabaseSync(process.argv[1]).exec('begin immediate');
    console.log('locked');
    setTimeout(() => process.exit(), ${lockMs});`;
  const other = spawn(process.execPath, ['-e', locking, file], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(other.stdout, 'data');
  const ended = once(other, 'exit');
  const hold = await longestHold(async () => {
    for (let recorded = false; !recorded;) {
      recorded = await traffic.record(1).then(
        () => true,
        () => false,
      );
    }
  });
  await ended;
  await ledger.close();
  return hold;
}

export interface Looks {
  readonly statistics: number;
  readonly list: number;
  readonly sources: number;
}

/** People look at a ledger of so many events and sources. @returns the longest hold of each, ms; the least of the rounds */
export async function holdOfLooks(
  where: Where,
  file: string,
  events: number,
  sources: number,
  rounds = 1,
): Promise<Looks> {
  const ledger = await opened(where, file);
  const { to } = await Traffic.begin(ledger);
  fill(file, to, events, sources);
  await ledger.statistics({});
  const least = async (look: () => Promise<unknown>): Promise<number> => {
    const holds: number[] = [];
    while (holds.length < rounds) holds.push(await longestHold(look));
    return Math.min(...holds);
  };
  const looks = {
    statistics: await least(() => ledger.statistics({})),
    // It finds nobody, in all of them.
    list: await least(() => ledger.events({ sender: 'nobody@mail.example' }, { limit: 50 })),
    sources: await least(() => ledger.sources()),
  };
  await ledger.close();
  return looks;
}

function fill(file: string, { id, sourceId }: Subscription, events: number, sources: number): void {
  const database = new DatabaseSync(file, { timeout: 10_000 });
  const numbers = (count: number): string =>
    `with recursive number (i) as (select 1 union all select i + 1 from number where i < ${count})`;
  database.exec(`
    pragma synchronous = off;
    begin immediate;
    insert into source (kind, account, mailbox)
      ${numbers(sources)} select 'imap', 'account ' || i, 'INBOX' from number where true on conflict do nothing;
    insert into subscription
      (key, workflow_id, node_id, source_id, retry_delays_ms, guarantee, keep_content_ms, retention_ms, created_at)
      select account, 'workflow ' || account, 'node', id, '[]', 'atLeastOnce', 0, 1, 1 from source where true
      on conflict do nothing;
    insert into message (source_id, identity, sender, subject, uid, uid_validity, recorded_at, size)
      ${numbers(events)} select ${sourceId}, 'filled ' || i, 'bob@mail.example', 'Mail ' || i, i, '1', i, 100 from number;
    insert into event (id, subscription_id, message_id, identity, idempotency_key, state, attempt, failures, run_id,
        execution_id, last_error, created_at, settled_at)
      select 'filled ' || id, ${id}, id, identity, 'key ' || id, iif(id % 1000 = 0, 'DEAD', 'DONE'), 1,
        iif(id % 1000 = 0, 1, 0), 'run ' || id, '1', iif(id % 1000 = 0, 'it broke', null), id, id
      from message where identity like 'filled %';
    commit;`);
  database.close();
}
