// The command `durable-mail collect`: watches mailboxes without n8n, and hands each mail to where the configuration says.
// Invariant: it ends when it is told to, with every mailbox closed and every lease given back; what it has not handed over by then
// waits in the ledger.
import { type Engine, openEngine } from '../../engine/instance/engine';
import type { AccountToCollect } from '../../engine/instance/account-to-collect';
import { type CollectingForTriggers, collectForTriggers } from '../../engine/instance/for-triggers';
import { type Http, type HttpSettings, openHttp } from '../../engine/instance/http';
import { takeoverMs } from '../../engine/instance/takeover';
import type { Log } from '../../engine/runtime/log';
import { type Command, type CommandPorts, type Given, Mistake, setting } from '../command';
import { accountToCollect } from '../config/account';
import { readConfig } from '../config/config';
import type { Job } from '../config/job';
import { readSecret } from '../config/secret';
import { ledgerPlace } from '../ledger';
import { collectedSender } from './collected-sender';
import { Collector } from './collector';
import { Delivering } from './delivering';
import { destinationOf } from './destination-of';
import { HandingOver } from './handing-over';
import { portSettings } from './http';
import { ReadList } from './list';
import { ReadTable } from './read-table';
import { SourceLines } from './source-lines';
import { Streams } from './streams';

export const collect: Command = {
  name: 'collect',
  summary: 'watches mailboxes, for triggers of n8n or for any program, as a configuration file says',
  help: `It works on the mail ledger that DURABLE_MAIL_POSTGRES_URL or DURABLE_MAIL_SQLITE_FILE names.
The configuration is JSON or YAML (docs/collector.md); no secret stands in it. It is read again every five minutes, and on
SIGHUP. SIGTERM ends the command.

  --config FILE    default: DURABLE_MAIL_CONFIG

  durable-mail collect --config /etc/durable-mail/mail.yaml`,
  options: { config: { type: 'string' } },
  run,
};

async function run(given: Given, ports: CommandPorts): Promise<number> {
  const { env, log } = ports;
  const file = configFile(given, env);
  const config = await readConfig(file);
  const place = ledgerPlace();
  await setting(takeoverMs);
  const http = await setting(() => portSettings(config, log));
  const lines = new SourceLines(log);
  let collector: Collector | undefined;
  const table = new ReadTable(log, () => collector?.refresh());
  const list = new ReadList(file, config, log, table);
  const jobOf = (name: string): Job | undefined => list.jobOf(name);
  const engine = await openEngine(place, {
    ...{ log, listens: true, follow: lines.follow, senders: () => [collectedSender(jobOf, log)] },
  });
  // Nothing else may keep the process alive while every server is away.
  const alive = setInterval(() => undefined, 60_000);
  try {
    await collectOver(engine, { ...ports, list, lines, http, begun: (made) => (collector = made) });
  } finally {
    await engine.close();
    clearInterval(alive);
  }
  log.info('Ended: every connection is closed');
  return 0;
}

interface Collecting extends Pick<CommandPorts, 'log' | 'signal'> {
  readonly list: ReadList;
  readonly lines: SourceLines;
  /** Null: it has no port. */
  readonly http: HttpSettings | null;
  readonly begun: (collector: Collector) => void;
}

/** Until the signal aborts. Whatever it has begun it has ended then, also where it throws. */
async function collectOver(
  engine: Engine,
  { log, signal, list, lines, http, begun }: Collecting,
): Promise<void> {
  log.info(`It works on the mail ledger ${engine.ledger.place}`);
  const publicUrl = (): string | undefined => list.config.http?.publicUrl;
  const redisUrl = (): string => readSecret(list.config.redis!.url);
  const streams = new Streams({ engine, log, publicUrl, redisUrl });
  const delivering = new HandingOver(new Delivering(engine, log), streams);
  const ports = { ledger: engine.ledger, queued: () => engine.outbox.queued() };
  let rest: (() => void) | undefined;
  const collector: Collector = new Collector({
    ...{ engine, delivering, lines, log, others: () => others.sources },
    list: async () => {
      const { forN8n: before } = list;
      const read = await list.read(signal);
      // What is read at the end begins nothing any more.
      if (signal.aborted) return read;
      if (list.forN8n !== before) others.refresh();
      streams.refresh();
      // By now it is known which jobs there are: their secrets are theirs.
      rest ??= engine.send();
      return read;
    },
    destination: (todo) => destinationOf(todo, { ...ports, publicUrl: publicUrl() }),
  });
  begun(collector);
  const others: CollectingForTriggers = forN8n({
    ...{ engine, log, list, changed: () => collector.refresh() },
  });
  const hangUp = (): void => {
    collector.refresh();
    others.refresh();
  };
  process.on('SIGHUP', hangUp);
  let port: Http | null = null;
  try {
    port = http && (await openHttp(() => Promise.resolve(engine), http));
    await collector.run(signal);
  } finally {
    process.off('SIGHUP', hangUp);
    rest?.();
    await Promise.all([delivering.stop(), others.stop(), list.close(), port?.close()]);
  }
}

/** @throws Mistake */
export function configFile({ values, positionals }: Given, env: NodeJS.ProcessEnv): string {
  if (positionals.length > 0) throw new Mistake(`"${positionals[0]!.slice(0, 40)}" is not known here.`);
  const file = values['config'] ?? env['DURABLE_MAIL_CONFIG'];
  if (typeof file === 'string' && file !== '') return file;
  throw new Mistake(
    'No configuration is named. Name its file with --config FILE, or with DURABLE_MAIL_CONFIG.',
  );
}

interface ForN8n {
  readonly engine: Engine;
  readonly log: Log;
  readonly list: Pick<ReadList, 'config' | 'accounts'>;
  /** It reads other mailboxes than before. */
  readonly changed: () => void;
}

/** Collects for the triggers of n8n on the same ledger, where the configuration, or its table, has logins for it. */
function forN8n({ engine, log, list, changed }: ForN8n): CollectingForTriggers {
  const logins = new Map<string, { readonly print: string; readonly account: AccountToCollect }>();
  return collectForTriggers(
    engine,
    () => {
      const { forN8n: wanted = false } = list.config;
      return [...list.accounts].flatMap(([name, account]) => {
        const isWanted = Array.isArray(wanted) ? wanted.includes(name) : wanted;
        if (!isWanted) return [];
        const print = JSON.stringify(account);
        const known = logins.get(name);
        if (known?.print === print) return [known.account];
        const made = accountToCollect(name, account);
        logins.set(name, { print, account: made });
        return [made];
      });
    },
    log,
    changed,
  );
}
