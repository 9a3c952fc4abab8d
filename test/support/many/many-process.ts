// A process of the test of many: it listens to mailboxes with a trigger of its own and runs their mails, or collects for the
// triggers of others. What it is, it reads from its environment; what it does, it says line by line.
import { Socket } from 'node:net';
import { RunSlots } from '../../../engine/delivery/run-slots';
import { openEngine } from '../../../engine/instance/engine';
import { collectForTriggers } from '../../../engine/instance/for-triggers';
import { accountName, type ImapLogin } from '../../../engine/imap/session/login';
import { rulesFromJson } from '../../../engine/imap/rules/criteria';
import { Roster } from '../../../engine/imap/watch/roster';
import { settingsFromUrl } from '../../../engine/ledger/postgres/settings';
import type { SubscriptionSettings } from '../../../engine/ledger/subscriptions';
import type { Log } from '../../../engine/runtime/log';
import { readingDataOf } from '../reading';

export interface ManyTask {
  readonly name: string;
  readonly kind: 'trigger' | 'collector';
  readonly ledger: string;
  readonly logins: readonly ImapLogin[];
  readonly readBy?: 'here' | 'reserve' | 'elsewhere';
  /** Custom email rules, as somebody wrote them. */
  readonly rules?: string;
  /** By which port this process reaches the mail server: all know it by one name. */
  readonly way: { readonly from: number; readonly to: number };
}

/** Who connects to the server goes this process's own way. */
function takeOwnWay({ from, to }: ManyTask['way']): void {
  const connect = Reflect.get<object, 'connect'>(Socket.prototype, 'connect') as (
    ...args: unknown[]
  ) => Socket;
  const options = (args: readonly unknown[]): { port?: unknown } =>
    (Array.isArray(args[0]) ? (args[0] as unknown[])[0] : args[0]) as { port?: unknown };
  Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
    const asked = options(args);
    if (Number(asked.port) === from) asked.port = to;
    return connect.apply(this, args);
  };
}

const say = (what: object): void => void process.stdout.write(`${JSON.stringify(what)}\n`);

const task = JSON.parse(process.env['MANY_TASK']!) as ManyTask;
const write = (level: string) => (message: string) => say({ log: `${level} ${message}` });
const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };

const SETTINGS: SubscriptionSettings = {
  ...{ retryDelaysMs: [1_000], guarantee: 'atLeastOnce', keepContentMs: 60_000, retentionMs: 86_400_000 },
  ...{ afterSuccess: null, whenDead: null },
};

async function main(): Promise<void> {
  // As n8n's server does: nothing of the engine keeps a process.
  setInterval(() => undefined, 60_000);
  takeOwnWay(task.way);
  const engine = await openEngine(
    { kind: 'postgres', settings: settingsFromUrl(task.ledger) },
    { log, listens: task.kind === 'trigger' },
  );
  const stop = task.kind === 'collector' ? collect(engine) : await listen(engine);
  process.once('SIGTERM', () => {
    void stop()
      .then(() => engine.close())
      .then(() => process.exit(0));
  });
  say({ started: true });
}

function collect(engine: Awaited<ReturnType<typeof openEngine>>): () => Promise<unknown> {
  const accounts = task.logins.map((login) => ({
    ...({ kind: 'imap', account: accountName(login), login: () => Promise.resolve(login) } as const),
  }));
  const collecting = collectForTriggers(engine, () => accounts, log);
  return () => collecting.stop();
}

async function listen(engine: Awaited<ReturnType<typeof openEngine>>): Promise<() => Promise<unknown>> {
  const { ledger, runs, imap } = engine;
  const dispatcher = engine.deliver(
    { mostRuns: 5, mailsPerRun: 10, mostQueuedMs: 60_000 },
    {
      slots: new RunSlots(Infinity),
      emit: async (run) => {
        try {
          const claims = await runs.begin(run.pointers, run.id);
          for (const { event } of claims) say({ ran: event });
          await runs.end(run.id, { kind: 'success' });
        } catch (error) {
          say({ notRun: String(error) });
        }
        return undefined;
      },
      report: (ended) => say({ ended: ended.event }),
      reportUnclaimed: (error) => say({ unclaimed: error }),
    },
  );
  const ids = new Set<number>();
  const node = { workflowId: task.name, nodeId: 'node' };
  await engine.served.serve(node);
  const rosters = task.logins.map((login, index) => {
    const trigger = { workflowId: task.name, nodeId: `node ${index}` };
    return new Roster(
      {
        ...trigger,
        account: accountName(login),
        subscription: SETTINGS,
        reading: readingDataOf({
          ...{ heartbeatMs: 5_000, commandMs: 5_000 },
          ...(task.rules !== undefined && { rules: rulesFromJson(task.rules) }),
        }),
        login: () => Promise.resolve(login),
      },
      {
        ledger,
        registry: imap,
        log,
        subscriber: (subscription, reading) => ({
          ...{ subscription, reading, mostConnections: 3, hasActions: false, joinedAt: Date.now() },
          ...(task.readBy && { readBy: task.readBy }),
          outage: { afterMs: 60_000, whenOver: true },
          begun: () => false,
          synced: () => say({ synced: subscription.id }),
          login: () => Promise.resolve(login),
          report: (fault) => say({ report: fault.message }),
          warn: (fault) => say({ warn: fault.message }),
          reportOver: () => say({ over: true }),
          moved: () => undefined,
        }),
        changed: () => undefined,
        failed: () => undefined,
        moved: () => undefined,
        listed: () => undefined,
      },
    );
  });
  for (const roster of rosters) for (const id of await roster.start()) ids.add(id);
  dispatcher.serve([...ids]);
  return () => Promise.all([dispatcher.stop(), ...rosters.map((roster) => roster.stop())]);
}

void main().catch((error: unknown) => {
  say({ failed: String(error) });
  process.exit(1);
});
