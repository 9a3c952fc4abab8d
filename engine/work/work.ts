// Work by a stream: the due mails of its jobs go there as entries, a group of consumers outside of this process shares them, and
// what they acknowledge is settled.
// Invariants: the stream is never the truth: while Redis is away nothing is added and nothing given up, and what is not there when
// it is back is added again; at most so many mails are in it, counted in the ledger; a process that dies leaves nothing that
// another one does not go on with.
import type { Dispatcher, DispatcherPorts, DispatcherSettings } from '../delivery/dispatcher';
import { RunSlots } from '../delivery/run-slots';
import type { Ledger } from '../ledger/ledger';
import type { Pointer } from '../ledger/pointer';
import { Bell } from '../runtime/bell';
import { errorText, type Log } from '../runtime/log';
import { monotonicNow, pause } from '../runtime/time';
import type { Wake } from '../signal/wake';
import type { Patience } from './decision';
import { Looks } from './looks';
import { Permits } from './permits';
import type { WorkStream } from './stream';

const LOOK_MS = 5_000;
const LEAST_MS = 250;
const TIDY_MS = 60 * 60_000;
const CONSUMER_GONE_MS = 24 * 60 * 60_000;
/** So many are told and added side by side: each has its content in memory. */
const AT_ONCE = 8;
const MOST_QUEUED_MS = 60_000;

export interface WorkSettings extends Patience {
  /** Mails that were added, and are not settled. */
  readonly mostUnsettled: number;
}

type Emitting = Pick<DispatcherPorts, 'emit' | 'report' | 'reportUnclaimed' | 'slots' | 'renewRuns'>;

export interface WorkPorts {
  readonly ledger: Ledger;
  readonly wake: Wake;
  readonly log: Log;
  readonly stream: WorkStream;
  /** Begins to hand out what is due. */
  readonly deliver: (settings: DispatcherSettings, ports: Emitting) => Dispatcher;
  /** What consumers are told of a mail, as JSON; null: it is not there any more. */
  readonly tell: (pointer: Pointer) => Promise<string | null>;
}

export class StreamWork {
  readonly #settings: WorkSettings;
  readonly #ports: WorkPorts;
  readonly #slots: RunSlots;
  readonly #looks: Looks;
  readonly #adding = new Permits(AT_ONCE);
  readonly #bell = new Bell<'look'>();
  readonly #stopping = new AbortController();
  readonly #looking: Promise<void>;
  readonly #serves = new Map<number, () => void>();
  #dispatcher: Dispatcher;
  #trouble: string | null = null;
  /** Why the last one was not added; null: it was. */
  #notAdded: string | null = null;

  constructor(settings: WorkSettings, ports: WorkPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#slots = new RunSlots(settings.mostUnsettled);
    const { ledger, stream, log, wake } = ports;
    const settled = (): void => wake.notify(this.#serves.keys());
    this.#looks = new Looks(settings, { ledger, stream, log, settled });
    this.#dispatcher = this.#deliver();
    this.#looking = this.#run();
  }

  serve(subscriptionIds: readonly number[]): void {
    for (const id of subscriptionIds) {
      if (!this.#serves.has(id))
        this.#serves.set(
          id,
          this.#ports.wake.listen(id, () => this.#bell.ring('look')),
        );
    }
    this.#dispatcher.serve(subscriptionIds);
  }

  /** Nothing of these is added any more. What stands in the stream may be done. */
  async leave(subscriptionIds: readonly number[]): Promise<void> {
    const gone = subscriptionIds.filter((id) => this.#serves.has(id));
    if (gone.length === 0) return;
    for (const id of gone) {
      this.#serves.get(id)!();
      this.#serves.delete(id);
    }
    await this.#dispatcher.stop();
    this.#dispatcher = this.#deliver();
    this.#dispatcher.serve([...this.#serves.keys()]);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const end of this.#serves.values()) end();
    await Promise.all([this.#dispatcher.stop(), this.#looking]);
  }

  #deliver(): Dispatcher {
    const { log } = this.#ports;
    const settings = { mostRuns: this.#settings.mostUnsettled, mailsPerRun: 1, mostQueuedMs: MOST_QUEUED_MS };
    return this.#ports.deliver(settings, {
      slots: this.#slots,
      // What stands in the stream is not to be found lapsed: without a look nothing is offered.
      renewRuns: () => this.#looks.renewed(),
      emit: async ({ pointers }) => {
        for (const pointer of pointers) await this.#adding.with(() => this.#add(pointer));
        return undefined;
      },
      report: ({ event, state, account, mailbox, lastError }) =>
        log.error(
          `A mail in ${mailbox} of ${account} is given up (${state}): ${lastError ?? 'nobody knows why'}`,
          {
            event,
          },
        ),
      reportUnclaimed: (error) => log.error(`Mails cannot be handed over: ${error}`),
    });
  }

  /** @throws Error: it may be there all the same, and a look will tell; else it is offered again */
  async #add(pointer: Pointer): Promise<void> {
    const { ledger, log, stream, tell } = this.#ports;
    try {
      const mail = await tell(pointer);
      if (mail !== null) await stream.add({ ...pointer, mail, ledger: await ledger.ledgerId() });
      this.#notAdded = null;
    } catch (error) {
      // Of many at once one says it.
      this.#notAdded = errorText(error);
      log.debug(`A mail was not added yet: ${this.#notAdded}`, { event: pointer.event });
      throw error;
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let tidiedAt = -Infinity;
    while (!signal.aborted) {
      this.#bell.take('look');
      try {
        await this.#looks.look();
        if (monotonicNow() - tidiedAt >= TIDY_MS) {
          tidiedAt = monotonicNow();
          await this.#ports.stream.tidy(CONSUMER_GONE_MS);
        }
        this.#said(this.#notAdded);
      } catch (error) {
        this.#said(errorText(error));
      }
      // Many calls are one look.
      await pause(LEAST_MS, signal);
      await this.#bell.wait(LOOK_MS - LEAST_MS, ['look'], signal);
    }
  }

  /** Once for each thing that is wrong. */
  #said(trouble: string | null): void {
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    const { log, stream } = this.#ports;
    if (trouble === null) log.info(`Work goes by ${stream.name} again`);
    else log.warn(`Work waits, and none of it is lost: ${trouble}`);
  }
}
