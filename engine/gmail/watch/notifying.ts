// How a watched account hears of news before its next poll: Google is asked to announce them over Pub/Sub, and either
// calls a webhook (which wakes this process) or is asked by this process.
// Invariant: notifications count as working only while they are seen to work, from the first one until there is news
// that none had announced; else the account is polled as often as if there were none.
import type { Announcing, Chore, PolledCall, Reached } from '../../polled/kind';
import type { Notices } from '../../polled/notices';
import type { Bell } from '../../runtime/bell';
import type { WatchedSource } from '../../source/watched';
import { GmailFault } from '../api/fault';
import type { PullSubscriptions } from '../notify/pull';
import { WatchRenewal } from '../notify/renewal';
import type { AccountNotes } from './account-notes';
import type { GmailSubscriber, GmailTypes } from './subscriber';

/** By what it hears of news, and says so. */
export interface NewsPorts {
  readonly bell: Bell<PolledCall>;
  readonly notices: Notices;
  readonly pulls: PullSubscriptions;
}

export class Notifying implements Announcing<GmailTypes>, Chore<GmailTypes> {
  readonly #source: WatchedSource<GmailSubscriber>;
  readonly #bell: Bell<PolledCall>;
  readonly #notices: Notices;
  readonly #pulls: PullSubscriptions;
  readonly #renewal: WatchRenewal;
  readonly #pulling = new Map<GmailSubscriber, () => Promise<void>>();
  #wishing: readonly GmailSubscriber[] = [];
  /** Whose topic is asked for: what goes wrong with its login is told to those who have the same. */
  #asking: GmailSubscriber | undefined;
  #keyOf: Reached<GmailTypes>['keyOf'] = () => '';
  /** Something was announced, and since then all that was new. */
  #isHeard = false;
  #told: Promise<void> = Promise.resolve();
  #isEnding = (): boolean => false;

  constructor(
    source: WatchedSource<GmailSubscriber>,
    notes: Pick<AccountNotes, 'read' | 'write'>,
    { bell, notices, pulls }: NewsPorts,
  ) {
    this.#source = source;
    this.#bell = bell;
    this.#notices = notices;
    this.#pulls = pulls;
    this.#renewal = new WatchRenewal(source.key.account, {
      onUntil: (until) => {
        this.#told = source.standing.notifiedUntil(until);
      },
      onFault: (fault) => {
        if (!this.#isEnding()) source.warn(fault, this.#toTell(fault));
      },
      lastStop: async () => (await notes.read()).stopped,
      onStop: (stopped) => notes.write({ stopped }),
    });
  }

  get isWorking(): boolean {
    return this.#isHeard && this.#renewal.until !== null;
  }

  /** Until when Google sends notifications, ms since 1970; null: it does not. */
  get until(): number | null {
    return this.#renewal.until;
  }

  /** Google called the webhook, in whatever process. */
  heard(): void {
    this.#isHeard = true;
    this.#bell.ring('notice');
  }

  /** There was news that nobody had announced. */
  missed(): void {
    this.#isHeard = false;
  }

  /** Who listens now, and over which login. */
  want({ login, subscribers, keyOf }: Reached<GmailTypes>): void {
    this.#wishing = subscribers.filter(({ reading }) => reading.notifications.kind !== 'none');
    this.#keyOf = keyOf;
    this.#asking = newestOf(this.#wishing);
    this.#renewal.want(
      this.#wishing.flatMap(({ subscription, reading: { notifications }, joinedAt, warn }) =>
        notifications.kind === 'none'
          ? []
          : [{ subscriptionId: subscription.id, topic: notifications.topic, joinedAt, warn }],
      ),
    );
    for (const [subscriber, leave] of this.#pulling) {
      if (this.#wishing.includes(subscriber)) continue;
      this.#pulling.delete(subscriber);
      void leave();
    }
    for (const subscriber of this.#wishing) this.#pull(subscriber, login);
  }

  /** When `run` is due, ms; Infinity: nobody wants it. */
  dueInMs(): number {
    return this.#renewal.dueInMs();
  }

  /** Asks Google to announce news, or to go on. Never rejects: what goes wrong is told, and tried again. */
  async run({ api, apiOf }: Reached<GmailTypes>, signal: AbortSignal): Promise<void> {
    this.#isEnding = (): boolean => signal.aborted;
    await this.#renewal.renew(this.#asking ? apiOf(this.#asking.subscription.id) : api);
    await this.#told;
  }

  #toTell(fault: GmailFault): readonly GmailSubscriber[] {
    const { cause } = fault;
    if (!(cause instanceof GmailFault && cause.isOfLogin) || !this.#asking) return this.#wishing;
    const own = this.#keyOf(this.#asking.subscription.id);
    return this.#wishing.filter(({ subscription }) => this.#keyOf(subscription.id) === own);
  }

  /** Asks no subscription any more. Resolves when nothing is under way. */
  async leave(): Promise<void> {
    const leaving = [...this.#pulling.values()].map((leave) => leave());
    this.#pulling.clear();
    this.#isHeard = false;
    await Promise.all([...leaving, this.#told]);
  }

  #pull(subscriber: GmailSubscriber, { send, endpoints }: Reached<GmailTypes>['login']): void {
    const { notifications } = subscriber.reading;
    if (notifications.kind !== 'pull' || this.#pulling.has(subscriber)) return;
    const { subscription, token } = notifications;
    const onNotice = (): Promise<void> => {
      const recorded = this.#notices.announce();
      this.heard();
      return recorded;
    };
    const leave = this.#pulls.join(
      { subscription, token, send, pubsubUrl: endpoints.pubsub },
      this.#source.key.account,
      {
        onNotice,
        onWorking: () => undefined,
        onFault: (fault) => {
          this.#isHeard = false;
          this.#source.warn(fault, [subscriber]);
        },
      },
    );
    this.#pulling.set(subscriber, leave);
  }
}

/** As the renewal chooses among their topics. */
const newestOf = (wishing: readonly GmailSubscriber[]): GmailSubscriber | undefined =>
  wishing.reduce<GmailSubscriber | undefined>(
    (best, one) => (best && best.joinedAt > one.joinedAt ? best : one),
    undefined,
  );
