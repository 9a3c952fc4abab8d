// The console on a port of its own, in whatever process: its server, and the console over the ledger that is there now.
// Invariant: whoever closes it ends every connection of it, also those that are none of HTTP any more.
import type { Log } from '../../runtime/log';
import type { Console } from '../context';
import type { Tokens } from '../rights';
import { rightsBy } from '../rights';
import { ConsoleOver, type Home } from './console-over';
import { KeptServer } from './kept-server';
import { ownNames } from './own-names';
import type { OwnPortSettings } from './settings';

export interface OwnPortParts<Store> {
  /** Opened once; asked for each request. @throws Error that says what to do */
  readonly openStore: () => Promise<Store>;
  readonly create: (store: Store, home: Home) => Console;
  readonly tokens: Tokens & { readonly sessionKey: Buffer };
  /** n8n's, without a slash at its end; null: there is none. */
  readonly editorUrl: string | null;
  readonly log: Pick<Log, 'info' | 'error'>;
  /** How another port is chosen, for people. */
  readonly elsewhere?: string;
}

const ELSEWHERE =
  'Another port is set with DURABLE_MAIL_CONSOLE_PORT, another address with DURABLE_MAIL_CONSOLE_HOST.';

export interface OwnPort {
  /** Where it is, for people. */
  readonly url: string;
  readonly isOpen: boolean;
  /** Tries to open it, unless it is open. Never rejects: why it could not is said. */
  open(): Promise<void>;
  close(): Promise<void>;
}

export function ownPort<Store extends object>(
  { port, host, names, openHealth, showMail, webSocket }: OwnPortSettings,
  { openStore, create, tokens, editorUrl, log, elsewhere = ELSEWHERE }: OwnPortParts<Store>,
): OwnPort {
  const home: Home = {
    ...{ prefix: '', isOwnOrigin: true, bundled: false, openHealth, showMail, webSocket, editorUrl },
    rights: rightsBy(tokens),
    login: { kind: 'form' },
    sessionKey: tokens.sessionKey,
    hosts: ownNames([host, ...names]),
  };
  const console = new ConsoleOver<Store>(home, { openStore, create, log });
  const server = new KeptServer(
    { host, port, name: 'The Mail Console', elsewhere },
    {
      handle: (req, res) => console.handle(req, res),
      upgrade: (req, socket, head) => console.upgrade(req, socket, head),
    },
    log,
  );
  return {
    url: server.url,
    get isOpen() {
      return server.isOpen;
    },
    open: () => server.open(),
    close: async () => {
      console.close();
      await server.close();
    },
  };
}
