// One console over the ledger that is there now: a ledger that was replaced, or opened anew, has another one.
// Invariants: never more than one at a time; what was asked of one before is ended with it; while there is no ledger whoever
// may look is told why, and others learn only that there is none.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Console, ConsoleContext } from '../context';
import { errorText, type Log } from '../../runtime/log';
import { tell, tellUpgrade } from './tell';

/** What a home says of itself, whatever the ledger. */
export type Home = Pick<
  ConsoleContext,
  | ('prefix' | 'rights' | 'login' | 'sessionKey' | 'hosts' | 'isOwnOrigin' | 'bundled')
  | ('showMail' | 'editorUrl' | 'openHealth' | 'webSocket')
>;

type Refuse = (status: number, why: string) => void;

interface Parts<Store> {
  /** Opened once; asked for each request. @throws Error that says what to do */
  readonly openStore: () => Promise<Store>;
  readonly create: (store: Store, home: Home) => Console;
  readonly log: Pick<Log, 'error'>;
}

export class ConsoleOver<Store extends object> {
  readonly #parts: Parts<Store>;
  readonly #home: Home;
  #current: { readonly store: Store; readonly console: Console } | null = null;
  #isClosed = false;

  constructor(home: Home, parts: Parts<Store>) {
    this.#home = home;
    this.#parts = parts;
  }

  /** Answers the request, whatever it is; never rejects. */
  async handle(req: IncomingMessage, res: ServerResponse, body?: Buffer): Promise<void> {
    try {
      const console = await this.#console(req, (status, why) => tell(res, status, why));
      await console?.handle(req, res, body);
    } catch (error) {
      this.#parts.log.error(`The Mail Console could not answer: ${errorText(error)}`);
      tell(res, 500, 'Something went wrong. The log says what.');
    }
  }

  /** The same for who asks for another protocol than HTTP. @param head what came after the request */
  async upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Who hangs up is nobody's fault.
    socket.on('error', () => undefined);
    try {
      const console = await this.#console(req, (status, why) => tellUpgrade(socket, status, why));
      if (!console) return;
      if (console.upgrade) await console.upgrade(req, socket, head);
      else tellUpgrade(socket, 404, 'There is no other protocol than HTTP here.');
    } catch (error) {
      this.#parts.log.error(`The Mail Console could not answer: ${errorText(error)}`);
      tellUpgrade(socket, 500, 'Something went wrong. The log says what.');
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#current?.console.close();
    this.#current = null;
  }

  /** @returns null: there is no ledger, and that was told */
  async #console(req: IncomingMessage, refuse: Refuse): Promise<Console | null> {
    let store: Store;
    try {
      store = await this.#parts.openStore();
    } catch (error) {
      this.#tellNoLedger(req, refuse, errorText(error));
      return null;
    }
    if (this.#isClosed) {
      refuse(503, 'The console is being closed.');
      return null;
    }
    if (this.#current?.store !== store) {
      this.#current?.console.close();
      this.#current = { store, console: this.#parts.create(store, this.#home) };
    }
    return this.#current.console;
  }

  #tellNoLedger({ headers }: IncomingMessage, refuse: Refuse, why: string): void {
    const { rights, hosts } = this.#home;
    const isKnown = hosts(headers.host ?? '') && rights(headers) !== null;
    refuse(503, isKnown ? why : 'The mail ledger cannot be opened. The log says why.');
  }
}
