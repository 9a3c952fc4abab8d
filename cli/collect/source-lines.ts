// What happens at the watched mailboxes, as lines that a person can follow, and how many of them are connected.
// Invariant: the reason of a fault stands in its line.
import type { SourceKey } from '../../engine/ledger/sources';
import type { SourceNews } from '../../engine/source/following';
import { sourceName } from '../../engine/ledger/keys';
import type { Log } from '../../engine/runtime/log';

export class SourceLines {
  readonly #log: Log;
  readonly #connected = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  get connected(): number {
    return this.#connected.size;
  }

  readonly follow = (key: SourceKey, news: SourceNews): void => {
    const name = sourceName(key);
    const line = (text: string): string => `[${key.kind} ${shown(key)}] ${text}`;
    switch (news.is) {
      case 'connected':
        this.#connected.add(name);
        this.#log.info(line('connected'));
        return;
      case 'watched':
        // One that is asked now and then is connected when it was read.
        if (!this.#connected.has(name)) this.#log.info(line('connected'));
        this.#connected.add(name);
        this.#log.debug(line('read to its end'));
        return;
      case 'newMail':
        this.#log.info(line('new mail'));
        return;
      case 'idleRenewed':
        this.#log.info(line('idle renewed'));
        return;
      case 'failed': {
        this.#connected.delete(name);
        const { error, retryInMs, attempt } = news;
        const when = retryInMs > 0 ? `in ${Math.ceil(retryInMs / 1_000)} s` : 'now';
        this.#log.warn(line(`reconnecting ${when} (attempt ${attempt}): ${error.message}`));
        return;
      }
      case 'left':
        if (this.#connected.delete(name)) this.#log.info(line('closed'));
    }
  };
}

/** `ann@example.com INBOX`: where the user is an address, its host says nothing to people. */
function shown(key: SourceKey): string {
  if (key.kind === 'gmail') return key.account;
  const user = key.account.slice(0, key.account.lastIndexOf('@'));
  const account = user.includes('@') ? user : key.account;
  return 'mailbox' in key && key.mailbox ? `${account} ${key.mailbox}` : account;
}
