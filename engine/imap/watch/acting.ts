// When something is done with mails of a watched mailbox after their runs: as soon as one has ended, and now and then
// unasked, since a call may be lost.
// Invariant: what failed is due again; nothing is due any more only when the ledger was asked and had nothing.
import { monotonicNow } from '../../runtime/time';
import { ActionCalls } from '../../source/action-calls';
import type { WatchedSource, WatchPorts } from '../../source/watched';
import { performActions } from '../act/actions';
import type { ImapSession } from '../session/session';
import type { ImapSubscriber } from './subscriber';

/** How often it is looked for actions that nobody announced. */
const LOOK_FOR_ACTIONS_MS = 60_000;

export class Acting {
  readonly #source: WatchedSource<ImapSubscriber>;
  readonly #ports: WatchPorts;
  readonly #calls: ActionCalls;
  #isDue = true;
  #seenAt = -Infinity;

  /** @param called when runs have ended after which something may be done with their mails */
  constructor(source: WatchedSource<ImapSubscriber>, ports: WatchPorts, called: () => void) {
    this.#source = source;
    this.#ports = ports;
    this.#calls = new ActionCalls(
      () => source.subscribers(),
      ports.wake,
      () => {
        this.#isDue = true;
        called();
      },
    );
  }

  /** Runs have ended whose mails are to be moved, marked, …. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** Also to those who have joined since. */
  listen(): void {
    this.#calls.listen();
  }

  end(): void {
    this.#calls.end();
  }

  /** @returns whether there may be more to do @throws ImapFault, LedgerFault */
  async act(session: ImapSession, signal: AbortSignal): Promise<boolean> {
    const now = monotonicNow();
    if (!this.#isDue && now - this.#seenAt < LOOK_FOR_ACTIONS_MS * 0.9) return false;
    this.#seenAt = now;
    this.#isDue = false;
    const source = this.#source;
    const { ledger, log } = this.#ports;
    const job = {
      ...{ session, mailbox: source.key.mailbox, hold: source.hold!, ledger, log },
      report: (subscriptionId: number, fault: Error) => source.complaints.action(subscriptionId, fault),
    };
    try {
      // What is taken may have kept others waiting: it is asked until nothing is due.
      const { opened } = await performActions(job, signal);
      this.#isDue ||= opened !== null;
      return opened !== null;
    } catch (error) {
      this.#isDue = true;
      throw error;
    }
  }
}
