// Hands the mails of jobs over to where they go: claims each, gives it to its destination, and settles it.
// Invariants: a mail is DONE when its destination has it for good, and is tried again otherwise; one job that cannot hand over
// holds up no other's mail but by its share of the runs; there is one dispatcher at a time.
import { type Dispatcher, type DispatcherSettings } from '../../engine/delivery/dispatcher';
import { RunSlots } from '../../engine/delivery/run-slots';
import type { Engine } from '../../engine/instance/engine';
import type { OfferedRun } from '../../engine/ledger/offers';
import { errorText, type Log } from '../../engine/runtime/log';
import { Changes } from './changes';
import type { Destination } from './destination';

const MOST_RUNS = 10;
/** While few mails wait, each is handed over alone. */
const SETTINGS: DispatcherSettings = {
  ...{ mostRuns: MOST_RUNS, mailsPerRun: 10, fewAlone: true },
  // Nothing stands between an offer and its claim but this process.
  mostQueuedMs: 60_000,
};

/** Where the mails of each subscription go. */
type Destinations = Map<number, Destination>;

export class Delivering {
  readonly #engine: Pick<Engine, 'deliver' | 'runs'>;
  readonly #log: Log;
  readonly #slots = new RunSlots(MOST_RUNS);
  readonly #changes: Changes;
  #destinations: Destinations = new Map();
  #dispatcher: Dispatcher | undefined;

  constructor(engine: Pick<Engine, 'deliver' | 'runs'>, log: Log) {
    this.#engine = engine;
    this.#log = log;
    this.#changes = new Changes((error) => log.error(`Mails cannot be handed over: ${errorText(error)}`));
  }

  /** From now on, and to another place from now on. */
  serve(subscriptionIds: readonly number[], destination: Destination): void {
    void this.#changes.make(() => {
      for (const id of subscriptionIds) this.#destinations.set(id, destination);
      this.#dispatcher ??= this.#begin(this.#destinations);
      this.#dispatcher.serve(subscriptionIds);
    });
  }

  /** Those of a job that is not there any more: nothing of it is begun. */
  leave(subscriptionIds: readonly number[]): Promise<void> {
    return this.#changes.make(async () => {
      if (!subscriptionIds.some((id) => this.#destinations.has(id))) return;
      // What was handed out goes on, to where it was to go.
      this.#destinations = new Map(this.#destinations);
      for (const id of subscriptionIds) this.#destinations.delete(id);
      await this.#dispatcher?.stop();
      this.#dispatcher = this.#begin(this.#destinations);
      this.#dispatcher.serve([...this.#destinations.keys()]);
    });
  }

  stop(): Promise<void> {
    return this.#changes.end(() => this.#dispatcher?.stop());
  }

  #begin(destinations: Destinations): Dispatcher {
    return this.#engine.deliver(SETTINGS, {
      slots: this.#slots,
      emit: async (run) => {
        await this.#run(run, destinations);
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

  async #run({ id, pointers }: OfferedRun, destinations: Destinations): Promise<void> {
    const { runs } = this.#engine;
    const claims = await runs.begin(pointers, id);
    try {
      for (const claim of claims) {
        const destination = destinations.get(claim.subscriptionId);
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
