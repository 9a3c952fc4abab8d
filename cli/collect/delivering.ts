// Hands the mails of jobs over to where they go: claims each, gives it to its destination, and settles it.
// Invariants: a mail is DONE when its destination has it for good, and is tried again otherwise; one job that cannot hand over
// holds up no other's mail but by its share of the runs.
import { type Dispatcher, type DispatcherSettings } from '../../engine/delivery/dispatcher';
import { RunSlots } from '../../engine/delivery/run-slots';
import type { Engine } from '../../engine/instance/engine';
import type { OfferedRun } from '../../engine/ledger/offers';
import { errorText, type Log } from '../../engine/runtime/log';
import type { Destination } from './destination';

const MOST_RUNS = 10;
/** While few mails wait, each is handed over alone. */
const SETTINGS: DispatcherSettings = {
  ...{ mostRuns: MOST_RUNS, mailsPerRun: 10, fewAlone: true },
  // Nothing stands between an offer and its claim but this process.
  mostQueuedMs: 60_000,
};

export class Delivering {
  readonly #engine: Engine;
  readonly #log: Log;
  readonly #slots = new RunSlots(MOST_RUNS);
  /** Where the mails of each subscription go. */
  readonly #destinations = new Map<number, Destination>();
  #dispatcher: Dispatcher | undefined;
  #serves = new Set<number>();

  constructor(engine: Engine, log: Log) {
    this.#engine = engine;
    this.#log = log;
  }

  /** From now on, and to another place from now on. */
  serve(subscriptionIds: readonly number[], destination: Destination): void {
    for (const id of subscriptionIds) {
      this.#destinations.set(id, destination);
      this.#serves.add(id);
    }
    this.#dispatcher ??= this.#begin();
    this.#dispatcher.serve(subscriptionIds);
  }

  /** Those of a job that is not there any more: nothing of it is begun. */
  async leave(subscriptionIds: readonly number[]): Promise<void> {
    const gone = subscriptionIds.filter((id) => this.#serves.delete(id));
    if (gone.length === 0) return;
    await this.#dispatcher?.stop();
    this.#dispatcher = this.#begin();
    this.#dispatcher.serve([...this.#serves]);
  }

  async stop(): Promise<void> {
    await this.#dispatcher?.stop();
  }

  #begin(): Dispatcher {
    return this.#engine.deliver(SETTINGS, {
      slots: this.#slots,
      emit: async (run) => {
        await this.#run(run);
        return undefined;
      },
      report: ({ event, state, account, mailbox, lastError }) =>
        this.#log.error(
          `A mail in ${mailbox} of ${account} is given up (${state}): ${lastError ?? 'nobody knows why'}`,
          {
            event,
          },
        ),
      reportUnclaimed: (error) => this.#log.error(`Mails cannot be handed over: ${error}`),
    });
  }

  async #run({ id, pointers }: OfferedRun): Promise<void> {
    const { runs } = this.#engine;
    const claims = await runs.begin(pointers, id);
    try {
      for (const claim of claims) {
        const destination = this.#destinations.get(claim.subscriptionId);
        if (!destination) throw new Error('Its job is not there any more.');
        await destination.take(claim);
      }
      if (claims.length > 0) await runs.end(id, { kind: 'success' });
    } catch (error) {
      this.#log.warn(`A mail was not handed over yet: ${errorText(error)}`, { event: claims[0]?.event });
      await runs.end(id, { kind: 'failure', error: errorText(error) });
    }
  }
}
