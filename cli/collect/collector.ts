// What is being done, brought in line with what is to be done: again every five minutes, and whenever somebody calls.
// Invariants: one look at a time; what did not change goes on undisturbed; a list that cannot be read changes nothing; what
// cannot be begun now is begun later, and holds up nothing else; what is still to be done counts as served when it ends, and what is
// not any more does not.
import type { Engine } from '../../engine/instance/engine';
import { backoffDelay } from '../../engine/runtime/backoff';
import { Bell } from '../../engine/runtime/bell';
import { errorText, type Log } from '../../engine/runtime/log';
import { monotonicNow, pause } from '../../engine/runtime/time';
import type { Place } from './destination-of';
import type { HandingOver } from './handing-over';
import { JobWatch } from './job-watch';
import type { SourceLines } from './source-lines';
import { saidOf, type ToDo, type ToDoList } from './to-do';

const REFRESH_MS = 5 * 60_000;
/** What is told waits for so long for those that have just begun. */
const LOGINS_MS = 3_000;
const LOOK_MS = 50;
const AGAIN = { firstMs: 2_000, mostMs: 60_000 };
/** So many are begun side by side: each asks the ledger, and then its server. */
const AT_ONCE = 10;

export interface CollectorPorts {
  readonly engine: Engine;
  readonly delivering: Pick<HandingOver, 'serve' | 'leave'>;
  readonly lines: SourceLines;
  readonly log: Log;
  /** What there is to do now. @throws Error: it cannot be read now */
  readonly list: () => Promise<ToDoList>;
  /** What is read besides, for triggers of n8n, by `sourceName`. */
  readonly others: () => ReadonlySet<string>;
  /** @throws Error: no such place is known */
  readonly destination: (todo: ToDo) => Place;
}

interface Running {
  readonly todo: ToDo;
  readonly watch: JobWatch;
}

export class Collector {
  readonly #ports: CollectorPorts;
  readonly #running = new Map<string, Running>();
  readonly #bell = new Bell<'refresh'>();
  #told = '';
  /** How many mailboxes it was told of last. */
  #watching = 0;

  constructor(ports: CollectorPorts) {
    this.#ports = ports;
  }

  /** The list may have changed. */
  refresh(): void {
    this.#bell.ring('refresh');
  }

  /** Until the signal aborts; then every connection is closed. */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      this.#bell.take('refresh');
      try {
        const isWhole = await this.#refresh(signal);
        failures = isWhole ? 0 : failures + 1;
      } catch (error) {
        failures++;
        this.#ports.log.error(`[sources] not refreshed, what was known goes on: ${errorText(error)}`);
      }
      const ms = failures === 0 ? REFRESH_MS : Math.min(backoffDelay(failures, AGAIN), REFRESH_MS);
      await this.#bell.wait(ms, ['refresh'], signal);
    }
    const wanted = await this.#wantedAtEnd();
    // Another process may go on with them, and where none does, it is seen that nobody reads.
    await this.#inBatches([...this.#running], Infinity, ([key, running]) =>
      this.#stop(running, wanted !== null && !wanted.has(key)),
    );
  }

  /** Who changes a configuration may end the process at once, and begin it anew. @returns null: nobody knows */
  async #wantedAtEnd(): Promise<ReadonlySet<string> | null> {
    try {
      const { todo } = await this.#ports.list();
      return new Set(todo.map(keyOf));
    } catch {
      return null;
    }
  }

  /** @returns whether all of it is being done */
  async #refresh(signal: AbortSignal): Promise<boolean> {
    const { list, log, lines } = this.#ports;
    const { todo, wrong, isPart = false } = await list();
    if (signal.aborted) return true;
    const said = wrong.join('\n');
    if (said !== this.#told) for (const text of wrong) log.error(text);
    this.#told = said;
    const wanted = new Map(todo.map((one) => [keyOf(one), one]));
    await this.#leave(
      [...this.#running].filter(
        ([
          key,
          {
            todo: { print },
          },
        ]) => wanted.get(key)?.print !== print,
      ),
      wanted,
    );
    const fresh = todo.filter((one) => !this.#running.has(keyOf(one)));
    let missed = 0;
    await this.#inBatches(fresh, AT_ONCE, async (one) => {
      if (!signal.aborted && !(await this.#begin(one))) missed++;
    });
    if (this.#watched > this.#watching || fresh.length > 0) await this.#connected(signal);
    this.#watching = this.#watched;
    log.info(`[sources] refreshed: ${this.#watched} watched, ${lines.connected} connected`);
    return missed === 0 && !isPart;
  }

  /** How many mailboxes, whichever jobs or triggers have them. */
  get #watched(): number {
    const ofJobs = [...this.#running.values()].flatMap(({ watch }) => [...watch.sources]);
    return new Set([...ofJobs, ...this.#ports.others()]).size;
  }

  /** A round of logins takes a moment; servers that are away are not waited for. */
  async #connected(signal: AbortSignal): Promise<void> {
    const until = monotonicNow() + LOGINS_MS;
    while (this.#ports.lines.connected < this.#watched && monotonicNow() < until && !signal.aborted)
      await pause(LOOK_MS, signal);
  }

  async #begin(todo: ToDo): Promise<boolean> {
    const { engine, log, delivering, destination } = this.#ports;
    let begun: Running | undefined;
    try {
      const place = destination(todo);
      const serves = (ids: readonly number[]): void => delivering.serve(ids, place);
      begun = { todo, watch: new JobWatch(todo, { engine, log, serves }) };
      this.#running.set(keyOf(todo), begun);
      await begun.watch.start();
      return true;
    } catch (error) {
      this.#running.delete(keyOf(todo));
      log.error(`${saidOf(todo)} cannot begin, and is tried again: ${errorText(error)}`);
      // It may have joined its mailboxes, and another one joins them at the next try.
      if (begun) await this.#stop(begun, false);
      return false;
    }
  }

  /** Never rejects: it holds up no other. @param isGone nobody will go on with it */
  async #stop({ todo, watch }: Running, isGone: boolean): Promise<void> {
    try {
      await watch.stop(isGone);
    } catch (error) {
      this.#ports.log.warn(`${saidOf(todo)} was not closed in good order: ${errorText(error)}`);
    }
  }

  async #leave(
    left: readonly (readonly [string, Running])[],
    wanted: ReadonlyMap<string, ToDo>,
  ): Promise<void> {
    const { delivering } = this.#ports;
    for (const [key] of left) this.#running.delete(key);
    await this.#inBatches(left, AT_ONCE, ([key, running]) => this.#stop(running, !wanted.has(key)));
    const jobs = new Set([...wanted.values()].map(({ name }) => name));
    // What was recorded for an account that is gone is handed over all the same, while its job is there.
    const gone = left.filter(([, { todo }]) => !jobs.has(todo.name));
    await delivering.leave(gone.flatMap(([, { watch }]) => watch.subscriptionIds));
  }

  async #inBatches<T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<unknown>): Promise<void> {
    const size = Math.min(atOnce, Math.max(all.length, 1));
    for (let at = 0; at < all.length; at += size) await Promise.all(all.slice(at, at + size).map(work));
  }
}

const keyOf = ({ name, accountName }: ToDo): string => JSON.stringify([name, accountName]);
