// The Gmail accounts that are watched in this process.
// Invariant: an account that is left and joined again is read by one loop at a time: the next one begins when the one
// before has ended.
import type { SourceKey } from '../../ledger/ledger';
import { noticeKey } from '../../source/notices';
import type { StartWatch, Watch } from '../../source/source';
import type { GmailLogin } from '../api/login';
import { PullSubscriptions } from '../notify/pull';
import type { GmailReading } from '../read/reading';
import { type GmailPorts, WatchedAccount } from './account';
import type { GmailSubscriber } from './subscriber';
import { Bell } from '../../polled/bell';
import { GmailLoop } from '../../polled/loop';
import { Notices } from '../../polled/notices';
import { Notifying } from './notifying';
import { GMAIL_TIMES, type GmailTimes } from '../../polled/pace';

export class GmailAccounts {
  readonly #ports: GmailPorts;
  readonly #times: GmailTimes;
  readonly #pulls: PullSubscriptions;
  /** Accounts that nobody listens to any more, and that may still be read, by source. */
  readonly #closing = new Map<number, Promise<unknown>>();

  constructor(ports: GmailPorts, times: Partial<GmailTimes> = {}) {
    this.#ports = ports;
    this.#times = { ...GMAIL_TIMES, ...times };
    this.#pulls = new PullSubscriptions({ log: ports.log });
  }

  /** For the registry of sources. */
  readonly start: StartWatch<GmailLogin, GmailReading> = (key, sourceId, subscribers) =>
    this.#watch(key, sourceId, subscribers);

  #watch(key: SourceKey, sourceId: number, subscribers: () => readonly GmailSubscriber[]): Watch {
    const before = this.#closing.get(sourceId);
    const account = new WatchedAccount(key, sourceId, subscribers, this.#ports, before);
    const bell = new Bell();
    const notices = new Notices();
    const notifying = new Notifying(account, bell, notices, this.#pulls);
    const { wake } = this.#ports;
    const deafen = wake.listen(noticeKey(sourceId), () => notifying.heard());
    const actions = new ActionCalls(subscribers, (id) => wake.listen(id, () => bell.ring('actions')));
    actions.listen();
    const loop = new GmailLoop(account, bell, notices, notifying, this.#times);
    void before?.then(() => bell.ring('joined'));
    return {
      nudge: () => {
        actions.listen();
        bell.ring('joined');
      },
      stop: () => {
        deafen();
        actions.end();
        const closed = Promise.all([before, loop.stop().then(() => account.close())]).then(() => {
          if (this.#closing.get(sourceId) === closed) this.#closing.delete(sourceId);
        });
        this.#closing.set(sourceId, closed);
        return closed;
      },
    };
  }
}

/** Calls when runs have ended after which something may be done with their mails. */
class ActionCalls {
  readonly #subscribers: () => readonly GmailSubscriber[];
  readonly #listen: (subscriptionId: number) => () => void;
  readonly #listening = new Map<number, () => void>();

  constructor(subscribers: () => readonly GmailSubscriber[], listen: (subscriptionId: number) => () => void) {
    this.#subscribers = subscribers;
    this.#listen = listen;
  }

  /** Also to those who have joined since. */
  listen(): void {
    const subscribers = this.#subscribers();
    // A mail of one workflow may wait for the run of another.
    if (!subscribers.some(({ hasActions }) => hasActions)) return;
    for (const { subscription } of subscribers) {
      if (this.#listening.has(subscription.id)) continue;
      this.#listening.set(subscription.id, this.#listen(subscription.id));
    }
  }

  end(): void {
    for (const stop of this.#listening.values()) stop();
  }
}
