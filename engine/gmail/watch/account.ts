// One watched Gmail account, as far as it is Gmail's own: what is read and done in it, and beside that. When, and over
// whose login, is as with every polled account (engine/polled).
// Invariant: what it remembers from one round to the next may be lost at any time.
import type { Announcing, Chore, Look, PolledAccount, Reached, RoundEnd } from '../../polled/kind';
import { errorText } from '../../runtime/log';
import { MOST_WAITING, type WatchedSource, type WatchPorts } from '../../source/watched';
import { performGmailActions } from '../act/actions';
import type { GmailMemory } from '../read/job';
import { syncAccount } from '../read/sync';
import { AccountNotes } from './account-notes';
import { LabelWatch } from './labels';
import { type NewsPorts, Notifying } from './notifying';
import type { GmailTimes } from './pace';
import type { GmailSubscriber, GmailTypes } from './subscriber';

export class GmailAccount implements PolledAccount<GmailTypes> {
  readonly announcing: Announcing<GmailTypes>;
  readonly chores: readonly Chore<GmailTypes>[];
  readonly #source: WatchedSource<GmailSubscriber>;
  readonly #ports: WatchPorts;
  readonly #memory: GmailMemory = { withheld: new Map(), unsearched: new Map(), passedOver: new Set() };

  constructor(source: WatchedSource<GmailSubscriber>, ports: WatchPorts, times: GmailTimes, news: NewsPorts) {
    this.#source = source;
    this.#ports = ports;
    const notes = new AccountNotes(source.id, () => source.hold, ports.ledger, ports.log);
    const notifying = new Notifying(source, notes, news);
    const labels = new LabelWatch(
      source.name,
      times.labelsMs,
      (fault, subscriber) => source.warn(fault, [subscriber]),
      notes,
    );
    this.announcing = notifying;
    this.chores = [notifying, this.#comparing(labels)];
  }

  read({ api, subscribers, connection }: Look<GmailTypes>, signal: AbortSignal): Promise<RoundEnd> {
    const source = this.#source;
    const { ledger, log, wake } = this.#ports;
    return syncAccount(
      {
        ...{ api, address: source.key.account, hold: source.hold!, ledger, log },
        subscriptions: subscribers.map((subscriber) => source.beginningOf(subscriber)),
        memory: this.#memory,
        recorded: (ids) => {
          wake.notify(ids);
          source.follow({ is: 'newMail' });
        },
        doing: (state) => source.standing.is(state, connection),
        refused: (id, fault) => source.complaints.refused(id, fault),
        mostWaiting: MOST_WAITING,
      },
      signal,
    );
  }

  async act({ api, apiOf, keyOf }: Reached<GmailTypes>, signal: AbortSignal): Promise<boolean> {
    const source = this.#source;
    const { ledger, log } = this.#ports;
    const { mayBeMore } = await performGmailActions(
      {
        ...{ api, own: { apiOf, keyOf }, hold: source.hold!, ledger, log, address: source.key.account },
        report: (subscriptionId, fault) => source.complaints.action(subscriptionId, fault),
      },
      signal,
    );
    return mayBeMore;
  }

  /** The labels that settings name, with those of the account; not before that was read. */
  #comparing(labels: LabelWatch): Chore<GmailTypes> {
    const { name } = this.#source;
    return {
      dueInMs: (wasRead) => (wasRead ? labels.dueInMs(this.#source.accepted()) : Infinity),
      run: async ({ api }, signal) => {
        try {
          await labels.compare(api, this.#source.accepted());
        } catch (error) {
          // The reading says what is wrong; a label may be compared some hours later as well.
          if (signal.aborted) return;
          this.#ports.log.warn(
            `The labels of the ${name} could not be compared with those of the settings yet: ${errorText(error)}`,
          );
        }
      },
    };
  }
}
