// The command `durable-mail console`: the Mail Console and feed of a ledger, beside whoever collects and runs.
// Invariants: it looks, and does what a person asks it to: it collects nothing, hands nothing out, sends nothing and clears nothing
// away, so a living n8n, or a collector, goes on as it is; a ledger that cannot be opened is tried again with each request.
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  besidePort,
  hostOf,
  ownPortSettings,
  portOf,
  type OwnPortSettings,
} from '../../engine/console/home/settings';
import { tokensAt } from '../../engine/console/home/tokens';
import { openHttp } from '../../engine/instance/http';
import { openPlace, type Place } from '../../engine/instance/place';
import { errorText, type Log } from '../../engine/runtime/log';
import { type Command, type CommandPorts, type Given, Mistake, setting } from '../command';
import { ledgerPlace } from '../ledger';

const PORT = 5690;

export const console: Command = {
  name: 'console',
  summary: 'shows whether mail runs: the Mail Console, its feed, /healthz and /metrics of a mail ledger',
  help: `It looks at the mail ledger that DURABLE_MAIL_POSTGRES_URL or DURABLE_MAIL_SQLITE_FILE names, beside the n8n or the
collector that works on it, and takes none of their work over. Everything else is set as in n8n, by
DURABLE_MAIL_CONSOLE_HOST, _NAMES, _TOKEN, _OPERATE_TOKEN, _SHOW_MAIL, _OPEN_HEALTH and DURABLE_MAIL_WEBSOCKET
(docs/console.md).

  --port NUMBER    default: DURABLE_MAIL_CONSOLE_PORT, or ${PORT}
  --host ADDRESS   default: DURABLE_MAIL_CONSOLE_HOST, or 127.0.0.1
  --tokens FOLDER  where tokens are kept that are not set; default: ~/.durable-mail

  durable-mail console --port 8025`,
  options: { port: { type: 'string' }, host: { type: 'string' }, tokens: { type: 'string' } },
  run,
};

async function run({ values, positionals }: Given, { env, log, signal }: CommandPorts): Promise<number> {
  if (positionals.length > 0) throw new Mistake(`"${positionals[0]!.slice(0, 40)}" is not known here.`);
  const place = ledgerPlace();
  if (place.kind === 'sqlite' && !existsSync(place.file))
    throw new Mistake(
      `There is no file ${place.file}. DURABLE_MAIL_SQLITE_FILE has to name a mail ledger that is there.`,
    );
  const settings = await setting(() => settingsOf(values));
  const folder = text(values['tokens']) ?? join(homedir(), '.durable-mail');
  const tokens = await setting(() => tokensAt({ folder, maker: 'durable-mail' }, log));
  const ledger = keptOpen(place, log);
  const http = await openHttp(ledger.open, {
    ...{ ...settings, tokens, log, editorUrl: env['N8N_EDITOR_BASE_URL']?.replace(/\/+$/, '') || null },
    isAside: place.kind === 'sqlite',
    elsewhere: 'Another port is set with --port, another address with --host.',
  });
  await ledger.open().then(
    (opened) => log.info(`It shows the mail ledger ${opened.ledger.place}, and does nothing there by itself`),
    (error: unknown) =>
      log.error(
        `The mail ledger cannot be opened; it is tried again when somebody looks: ${errorText(error)}`,
      ),
  );
  await aborted(signal);
  await http.close();
  await ledger.close();
  return 0;
}

type Values = Given['values'];

/** What stands on the command line counts before the environment. @throws Error */
function settingsOf({ port, host }: Values): OwnPortSettings {
  const said = text(port);
  const rest = besidePort();
  return {
    ...(said === undefined
      ? (ownPortSettings() ?? { port: PORT, ...rest })
      : { port: portOf(said, '--port'), ...rest }),
    ...(text(host) !== undefined && { host: hostOf(text(host)!) }),
  };
}

const text = (value: Values[string]): string | undefined => (typeof value === 'string' ? value : undefined);

type Opened = Awaited<ReturnType<typeof openPlace>>;

/** Opened when it is asked for first; what failed is tried again. It belongs to nobody in particular. */
function keptOpen(place: Place, log: Log): { open: () => Promise<Opened>; close: () => Promise<void> } {
  let opening: Promise<Opened> | null = null;
  return {
    open: () => {
      opening ??= openPlace(place, log, undefined).catch((error: unknown) => {
        opening = null;
        throw error;
      });
      return opening;
    },
    close: async () => {
      const opened = await opening?.catch(() => null);
      await opened?.close();
    },
  };
}

/** The process is kept alive meanwhile: a port does not. */
async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const alive = setInterval(() => undefined, 60_000);
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  clearInterval(alive);
}
