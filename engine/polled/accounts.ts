// The accounts of one kind that are watched in this process.
// Invariant: an account that is left and joined again is read by one loop at a time: the next one begins when the one
// before has ended.
import type { SourceKey } from '../ledger/sources';
import { Bell } from '../runtime/bell';
import { ActionCalls } from '../source/action-calls';
import { lookKey, noticeKey } from '../source/notices';
import type { StartWatch, Watch } from '../source/source';
import { WatchedSource, type WatchPorts } from '../source/watched';
import type { PolledCall, PolledKind, PolledSubscriber, PolledTypes } from './kind';
import { PolledLoop } from './loop';
import { Notices } from './notices';
import type { PolledTimes } from './pace';

export class PolledAccounts<K extends PolledTypes> {
  readonly #kind: PolledKind<K>;
  readonly #ports: WatchPorts;
  readonly #times: PolledTimes;
  /** Accounts that nobody listens to any more, and that may still be read, by source. */
  readonly #closing = new Map<number, Promise<unknown>>();

  constructor(kind: PolledKind<K>, ports: WatchPorts, times: PolledTimes) {
    this.#kind = kind;
    this.#ports = ports;
    this.#times = times;
  }

  /** For the registry of sources. */
  readonly start: StartWatch<K['login'], K['reading']> = (key, sourceId, subscribers) =>
    this.#watch(key, sourceId, subscribers);

  #watch(key: SourceKey, sourceId: number, subscribers: () => readonly PolledSubscriber<K>[]): Watch {
    const before = this.#closing.get(sourceId);
    const kind = this.#kind;
    const { wake, log } = this.#ports;
    const names = kind.names(key.account);
    const bell = new Bell<PolledCall>();
    const nudge = (): void => bell.ring('joined');
    const source = new WatchedSource(key, sourceId, names, subscribers, this.#ports, before, nudge);
    const notices = new Notices();
    const account = kind.watch(source, bell, notices);
    const deaf = [
      wake.listen(noticeKey(sourceId), () => account.announcing.heard()),
      wake.listen(lookKey(sourceId), () => {
        source.looked();
        bell.ring('look');
        // Who stands by hears that the account is free.
        if (!source.hold) nudge();
      }),
    ];
    const actions = new ActionCalls(subscribers, wake, () => bell.ring('actions'));
    const loop = new PolledLoop({ kind, source, account, bell, notices, times: this.#times, log });
    void before?.then(() => bell.ring('joined'));
    return {
      nudge: () => {
        actions.listen();
        bell.ring('joined');
      },
      get isHeld() {
        return source.hold !== null;
      },
      stop: () => {
        for (const deafen of deaf) deafen();
        actions.end();
        const closed = Promise.all([before, loop.stop().then(() => source.close())]).then(() => {
          if (this.#closing.get(sourceId) === closed) this.#closing.delete(sourceId);
        });
        this.#closing.set(sourceId, closed);
        return closed;
      },
    };
  }
}
