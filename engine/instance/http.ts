// The console, `/healthz` and `/metrics` of a ledger on a port of their own, for a process that is no n8n.
// Invariants: a port that is taken is tried again, and that is said; whoever closes it ends every connection within a second.
import { built } from '../console/home/built';
import { type OwnPort, ownPort } from '../console/home/own-port';
import type { OwnPortSettings } from '../console/home/settings';
import type { KeptTokens } from '../console/kept-tokens';
import type { Log } from '../runtime/log';
import { pause } from '../runtime/time';
import { openConsole, type OverLedger } from './console';

const TRY_AGAIN_MS = 2_000;

export interface HttpSettings extends OwnPortSettings {
  /** engine/console/home/tokens.ts has them. */
  readonly tokens: Pick<KeptTokens, 'read' | 'operate' | 'sessionKey'>;
  /** n8n's, for links to executions, without a slash at its end; null: there is none. */
  readonly editorUrl: string | null;
  /** Whoever collects is another process, which cannot be told to look (a SQLite file); left out: it can. */
  readonly isAside?: boolean;
  /** How another port is chosen, for people. */
  readonly elsewhere?: string;
  readonly log: Log;
}

export interface Http {
  /** Where it is, for people. */
  readonly url: string;
  /** Whether it listens: not while another program has its port. */
  readonly isOpen: boolean;
  close(): Promise<void>;
}

/**
 * Resolves when it has tried to open the port; it goes on trying until it is closed. Never rejects.
 * @param openLedger asked for each request; opens once. It may reject: why is told to whoever may look
 */
export async function openHttp(openLedger: () => Promise<OverLedger>, settings: HttpSettings): Promise<Http> {
  const { log, isAside = false } = settings;
  const parts = built();
  const port = ownPort<OverLedger>(settings, {
    ...settings,
    openStore: openLedger,
    create: (over, home) => openConsole(over, { ...home, ...parts, log, isAside }),
  });
  const over = new AbortController();
  await port.open();
  const keeping = keepOpen(port, over.signal);
  return {
    url: port.url,
    get isOpen() {
      return port.isOpen;
    },
    close: async () => {
      over.abort();
      await keeping;
      await port.close();
    },
  };
}

async function keepOpen(port: OwnPort, signal: AbortSignal): Promise<void> {
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    await pause(TRY_AGAIN_MS, signal);
    if (!isOver()) await port.open();
  }
}
