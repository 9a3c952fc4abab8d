// Collects for triggers of the ledger, wherever they listen, whose accounts somebody has a login for: n8n's main then
// delivers only. What they take is data in the ledger (engine/ledger/readings.ts).
// Invariants: it has no subscription of its own, and reads under the same leases as everybody; what cannot be collected
// for one trigger keeps nobody else from their mail; who comes or goes in one account has no other account looked at.
import { sourceName } from '../ledger/keys';
import type { ReadSubscription } from '../ledger/readings';
import { errorText, type Log } from '../runtime/log';
import { printOf } from '../source/guests';
import { accountKey } from '../source/notices';
import { type AccountToCollect, type CollectingPorts, type Join, joining } from './account-to-collect';

const LOOK_EVERY_MS = 60_000;
/** However often triggers come and go. */
const LEAST_BETWEEN_MS = 1_000;

export interface CollectingForTriggers {
  /** The list of accounts may have changed: it is asked for anew at once. */
  refresh(): void;
  /** By `sourceName`. */
  readonly sources: ReadonlySet<string>;
  /** Resolves when nothing is read or recorded any more, and every connection is closed. */
  stop(): Promise<void>;
}

/**
 * @param accounts asked again every minute, and whenever triggers come and go; an account is the same object until its login is another
 * @param changed other sources are read than before
 */
export function collectForTriggers(
  engine: CollectingPorts,
  accounts: () => readonly AccountToCollect[],
  log: Log,
  changed: () => void = () => undefined,
): CollectingForTriggers {
  const collecting = new Collecting(engine, accounts, log, changed);
  return {
    refresh: () => collecting.refresh(),
    stop: () => collecting.stop(),
    get sources() {
      return collecting.sources;
    },
  };
}

interface Joined {
  readonly account: AccountToCollect;
  readonly print: string;
  readonly source: string;
  readonly leave: () => Promise<void>;
}

class Collecting {
  readonly #engine: CollectingPorts;
  readonly #accounts: () => readonly AccountToCollect[];
  readonly #log: Log;
  readonly #changed: () => void;
  /** By account, and by subscription. */
  readonly #joined = new Map<string, Map<number, Joined>>();
  /** Accounts whose triggers may have come or gone; null: all of them. */
  #due: Set<string> | null = null;
  /** What cannot be compiled here was said once; by subscription. */
  readonly #said = new Map<number, string>();
  readonly #deafen = new Map<string, () => void>();
  readonly #timer: NodeJS.Timeout;
  #soon: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #isOver = false;

  constructor(
    engine: CollectingPorts,
    accounts: () => readonly AccountToCollect[],
    log: Log,
    changed: () => void,
  ) {
    this.#engine = engine;
    this.#accounts = accounts;
    this.#log = log;
    this.#changed = changed;
    this.#timer = setInterval(() => {
      this.#due = null;
      this.#look();
    }, LOOK_EVERY_MS);
    this.#look();
  }

  get sources(): ReadonlySet<string> {
    return new Set([...this.#joined.values()].flatMap((of) => [...of.values()].map(({ source }) => source)));
  }

  refresh(): void {
    this.#due = null;
    this.#lookSoon();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    for (const deafen of this.#deafen.values()) deafen();
    // Those that are being joined are seen, too.
    const left = this.#leaveAccounts(() => true);
    await this.#looking;
    await Promise.all([left, this.#leaveAccounts(() => true)]);
  }

  #lookSoon(): void {
    if (this.#isOver) return;
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.#look();
    }, LEAST_BETWEEN_MS);
  }

  /** One at a time. */
  #look(): void {
    this.#looking = this.#looking
      .then(() => this.#lookOnce())
      .catch((error: unknown) =>
        this.#log.warn(
          `For which accounts triggers are collected for could not be seen: ${errorText(error)}`,
        ),
      );
  }

  async #lookOnce(): Promise<void> {
    const due = this.#due;
    this.#due = new Set();
    const accounts = new Map(this.#accounts().map((account) => [nameOf(account), account]));
    const before = this.sources;
    this.#listen(accounts);
    for (const [name, account] of accounts) {
      if (this.#isOver) return;
      if (due && !due.has(name)) continue;
      try {
        const wanted = await this.#lookAt(name, account);
        await this.#leave(name, (id) => !wanted.has(id));
      } catch (error) {
        // Those that are known go on.
        this.#log.warn(
          `Which triggers read ${account.account} was not seen, and is asked again: ${errorText(error)}`,
        );
      }
    }
    await this.#leaveAccounts((name) => !accounts.has(name));
    const { sources } = this;
    if (sources.size !== before.size || [...sources].some((source) => !before.has(source))) this.#changed();
  }

  /** @returns the subscriptions that are to be read in the account @throws LedgerFault */
  async #lookAt(name: string, account: AccountToCollect): Promise<ReadonlySet<number>> {
    const wanted = new Set<number>();
    const join = joining(account, this.#engine, this.#log);
    const { kind, account: of } = account;
    for (const read of await this.#engine.ledger.readings({ kind, account: of })) {
      if (!read.served || this.#isOver) continue;
      if (await this.#join(name, read, account, join)) wanted.add(read.id);
    }
    return wanted;
  }

  /** @returns whether it is read */
  async #join(name: string, read: ReadSubscription, account: AccountToCollect, join: Join): Promise<boolean> {
    const print = printOf(read);
    const known = this.#joined.get(name)?.get(read.id);
    if (known?.print === print && known.account === account) return true;
    let leave: () => Promise<void>;
    try {
      // The newer one first: so the connection stays.
      leave = await join(read);
    } catch (error) {
      this.#sayOnce(read, error);
      return false;
    }
    const joined = this.#joined.get(name) ?? new Map<number, Joined>();
    this.#joined.set(name, joined.set(read.id, { account, print, source: sourceName(read.source), leave }));
    await known?.leave();
    return true;
  }

  #sayOnce({ id, nodeName, nodeId, workflowId, source }: ReadSubscription, error: unknown): void {
    const text =
      `The trigger "${nodeName ?? nodeId}" of workflow ${workflowId} is not collected for, in ` +
      `${source.mailbox} of ${source.account}: ${errorText(error)}`;
    if (this.#said.get(id) !== text) this.#log.error(text);
    this.#said.set(id, text);
  }

  #listen(accounts: ReadonlyMap<string, AccountToCollect>): void {
    for (const [account, deafen] of this.#deafen) {
      if (accounts.has(account)) continue;
      deafen();
      this.#deafen.delete(account);
    }
    if (this.#isOver) return;
    for (const [name, { kind, account }] of accounts) {
      if (this.#deafen.has(name)) continue;
      const called = (): void => {
        this.#due?.add(name);
        this.#lookSoon();
      };
      this.#deafen.set(name, this.#engine.wake.listen(accountKey(kind, account), called));
    }
  }

  async #leaveAccounts(isGone: (name: string) => boolean): Promise<void> {
    const gone = [...this.#joined.keys()].filter(isGone);
    await Promise.all(gone.map((name) => this.#leave(name, () => true)));
  }

  async #leave(name: string, isGone: (id: number) => boolean): Promise<void> {
    const joined = this.#joined.get(name) ?? new Map<number, Joined>();
    const gone = [...joined].filter(([id]) => isGone(id));
    for (const [id] of gone) joined.delete(id);
    if (joined.size === 0) this.#joined.delete(name);
    await Promise.all(gone.map(([, { leave }]) => leave()));
  }
}

const nameOf = ({ kind, account }: AccountToCollect): string => `${kind} ${account}`;
