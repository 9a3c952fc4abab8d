// A process that has the console on a port, as n8n's main process has it; of several that are to have the same port one has
// it, and another takes it when that one is gone.
import { openConsole } from '../../../engine/instance/console';
import { keepOpen } from '../../../nodes/host/console/port';
import type { Store } from '../../../nodes/host/store/store';
import { silentLog } from '../log';
import { openAt } from './open-at';

const [where = '', port = '', folder = ''] = process.argv.slice(2);

serve().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});

async function serve(): Promise<void> {
  process.on('disconnect', () => process.exit());
  const store = (await openAt(where)) as unknown as Store;
  const page = '<!doctype html><html lang="en"><head><meta name="mail-console" content=""></head></html>';
  await keepOpen(
    {
      ...{
        port: Number(port),
        host: '127.0.0.1',
        names: [],
        openHealth: false,
        showMail: true,
        webSocket: false,
      },
      editorUrl: 'http://localhost:5678',
    },
    {
      openStore: () => Promise.resolve(store),
      create: (over, home) => openConsole(over, { ...home, log: silentLog, version: '0', page, plots: '' }),
      isOurs: () => true,
      folder,
      log: { info: say, error: say },
      lookMs: 50,
    },
    new AbortController().signal,
  );
}

/** To whoever has started it. */
function say(message: string): void {
  process.send?.(message);
}
