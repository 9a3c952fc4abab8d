// The console on a port of its own: of n8n's main process, and of no trigger, since a trigger that is dead is when people
// look. It begins when this package is loaded, and is over the ledger of nodes that name no credential for it.
// Invariants: one in a process, whatever copy of the package begins it; of several main processes the one that leads has it,
// and gives it up when another leads.
import { join } from 'node:path';
import type { Console } from '../../../engine/console/context';
import type { Home } from '../../../engine/console/home/console-over';
import { type OwnPort, ownPort } from '../../../engine/console/home/own-port';
import { tokensAt } from '../../../engine/console/home/tokens';
import { errorText, type Log } from '../../../engine/runtime/log';
import { processWide } from '../../../engine/runtime/process-wide';
import { pause } from '../../../engine/runtime/time';
import { userFolder } from '../n8n/environment';
import { instanceSettings } from '../n8n/internals';
import { log } from '../n8n/log';
import { DEFAULT_NODE } from '../store/default-store';
import { openStore, type Store } from '../store/store';
import { type PortSettings, portSettings } from './port-settings';
import { consoleOf } from './console-of';

/** How often it is looked whether it is this process's to be open, and whether it is. */
const LOOK_MS = 2_000;

/** From the first call on, where a port is set. */
export function keepConsolePort(): void {
  processWide('console-port/1', () => {
    void begin(new AbortController().signal);
    return true;
  });
}

async function begin(signal: AbortSignal): Promise<void> {
  try {
    const settings = portSettings();
    if (settings) await keepOpen(settings, PARTS, signal);
  } catch (error) {
    log.error(`The Mail Console is not opened: ${errorText(error)}`);
  }
}

/** What it stands on. */
export interface PortParts {
  readonly openStore: () => Promise<Store>;
  readonly create: (store: Store, home: Home) => Console;
  /** Whether this process is the one that has it. */
  readonly isOurs: () => boolean;
  /** Where tokens are kept that nobody has set. */
  readonly folder: string;
  readonly log: Pick<Log, 'info' | 'error'>;
  readonly lookMs: number;
}

const PARTS: PortParts = {
  openStore: () => openStore(DEFAULT_NODE),
  create: consoleOf,
  isOurs: isOfThisProcess,
  folder: join(userFolder(), 'durable-mail'),
  log,
  lookMs: LOOK_MS,
};

/** Main, and where there are several of it the one that leads: n8n says so a while after it has loaded its packages. */
function isOfThisProcess(): boolean {
  const { instanceType, isLeader } = instanceSettings();
  return instanceType === 'main' && isLeader !== false;
}

/** Until the signal aborts. @throws Error: its tokens cannot be used, or kept */
export async function keepOpen(settings: PortSettings, parts: PortParts, signal: AbortSignal): Promise<void> {
  const { isOurs, log: said, lookMs } = parts;
  let open: OwnPort | null = null;
  const close = async (): Promise<void> => {
    await open?.close();
    open = null;
  };
  while (!signal.aborted) {
    if (isOurs()) {
      open ??= await made(settings, parts);
      await open.open();
    } else {
      if (open) said.info('The Mail Console is closed here: another main process has it now');
      await close();
    }
    await pause(lookMs, signal);
  }
  await close();
}

async function made(
  settings: PortSettings,
  { openStore: open, create, folder, log: said }: PortParts,
): Promise<OwnPort> {
  const tokens = await tokensAt({ folder, maker: 'n8n' }, said);
  return ownPort<Store>(settings, {
    ...{ openStore: open, create, tokens, log: said, editorUrl: settings.editorUrl },
  });
}
