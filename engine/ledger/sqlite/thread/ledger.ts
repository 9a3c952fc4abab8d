// The ledger's port over the threads of a SQLite file: one writes, the other is there while people look.
// Invariants: calls of one thread begin in the order in which they were made. A thread that ended is said to have, and the
// next call has a new one, on the same file or on none: a file that was replaced meanwhile is not taken for it. One that fell
// silent (silence.ts) is ended: nothing of what it had not begun is done any more, and until it is gone nobody else is asked.
import { errorText, type Log } from '../../../runtime/log';
import { DeadlineError, monotonicNow, withDeadline } from '../../../runtime/time';
import type { Call } from '../../common/parts';
import { closedError } from '../../fault';
import type { Ledger } from '../../ledger';
import type { Instance } from '../../ownership';
import type { OpenedFile } from '../connection';
import type { Opening } from './border';
import { CALLS, type Role } from './calls';
import { endedFault, noThreadFault, silentFault } from './faults';
import { packedArguments, unpackedResult } from './packing';
import { Silence, SILENT_MS } from './silence';
import { Thread } from './thread';

/** The reader is let go when nobody has looked for so long: it takes memory. */
const READER_IDLE_MS = 60_000;
/** Longer than another process may hold the file's lock. */
const CLOSE_MS = 15_000;

interface Opened {
  readonly place: string;
  readonly opened: OpenedFile;
}

/**
 * @param instance null: nobody is refused
 * @param silentMs a thread that answers nothing for so long is given up
 * @throws LedgerFault
 */
export async function openInThread(
  file: string,
  instance: Instance | null,
  log: Log | undefined,
  silentMs = SILENT_MS,
): Promise<Ledger> {
  const threads = new FileThreads(file, instance, log, silentMs);
  const { place } = await threads.open();
  const calls = (Object.keys(CALLS) as Call[]).map((call) => [
    call,
    (...args: readonly unknown[]) => threads.call(call, args),
  ]);
  return { ...Object.fromEntries(calls), place, close: () => threads.close() } as Ledger;
}

class FileThreads {
  readonly #file: string;
  readonly #instance: Instance | null;
  readonly #log: Log | undefined;
  readonly #silentMs: number;
  readonly #opening: Record<Role, Promise<Thread> | null> = { writer: null, reader: null };
  readonly #open: Record<Role, Thread | null> = { writer: null, reader: null };
  /** Those that are open now, or being opened. */
  readonly #silences: Record<Role, Silence | null> = { writer: null, reader: null };
  /** Fell silent, and may not be gone yet. */
  readonly #silent: Record<Role, Thread | null> = { writer: null, reader: null };
  /** As the writer found it first. */
  #first: Opened | undefined;
  #closed = false;
  #readAt = -Infinity;
  #reading = 0;
  #looking: NodeJS.Timeout | undefined;

  constructor(file: string, instance: Instance | null, log: Log | undefined, silentMs: number) {
    this.#file = file;
    this.#instance = instance;
    this.#log = log;
    this.#silentMs = silentMs;
  }

  async open(): Promise<Opened> {
    await this.#thread('writer');
    return this.#first!;
  }

  async call(call: Call, args: readonly unknown[]): Promise<unknown> {
    if (this.#closed) throw closedError(this.#file);
    const role = CALLS[call];
    if (role === 'writer') return this.#ask(role, call, args);
    this.#reading++;
    try {
      return await this.#ask(role, call, args);
    } finally {
      this.#reading--;
      this.#read();
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#looking);
    await Promise.all(Object.values(this.#opening).map((opening) => closed(opening, this.#file)));
  }

  async #ask(role: Role, call: Call, args: readonly unknown[]): Promise<unknown> {
    const packed = packedArguments(call, args);
    const open = this.#open[role];
    const thread = open && !open.ended ? open : await this.#thread(role);
    try {
      const answer = thread.ask({ kind: 'call', call, args: packed.args }, packed.give);
      const value = await this.#silences[role]!.unless(answer);
      return unpackedResult(call, args, value);
    } catch (error) {
      throw error === thread.ended ? endedFault(this.#file, error) : error;
    }
  }

  /** Opened already, or anew. */
  #thread(role: Role): Promise<Thread> {
    const opening = this.#opening[role];
    if (opening && !this.#open[role]?.ended) return opening;
    this.#open[role] = null;
    const silent = this.#silent[role];
    if (silent && !silent.ended) throw silentFault(this.#file);
    const opened = (this.#opening[role] = this.#opened(role));
    // A failure is not kept: the next call tries again.
    opened.catch(() => {
      if (this.#opening[role] === opened) this.#opening[role] = null;
    });
    return opened;
  }

  async #opened(role: Role): Promise<Thread> {
    const { id, home, host } = this.#instance ?? {};
    const opening: Opening = {
      file: this.#file,
      role,
      instance: id === undefined ? null : { id, home: home!, host: host! },
      same: this.#first?.opened,
    };
    const thread = this.#take();
    const silence = (this.#silences[role] = new Silence(
      this.#silentMs,
      () => thread.ask({ kind: 'call', call: 'ledgerId', args: [] }),
      () => this.#fell(role, thread),
    ));
    try {
      const answer = thread.ask<Opened>({ kind: 'open', opening });
      // The first one may bring the ledger up to date, which takes as long as it takes.
      const opened = await (opening.same ? silence.unless(answer) : answer);
      this.#first ??= opened;
      return (this.#open[role] = thread);
    } catch (error) {
      if (error === thread.ended) throw endedFault(this.#file, error);
      if (this.#silent[role] !== thread) thread.letGo();
      throw error;
    }
  }

  #fell(role: Role, thread: Thread): Error {
    this.#silent[role] = thread;
    this.#open[role] = this.#opening[role] = null;
    void thread.stop();
    return silentFault(this.#file);
  }

  #take(): Thread {
    try {
      return Thread.take({ isGone: (home) => this.#instance?.isGone(home) ?? false, log: this.#log });
    } catch (error) {
      throw noThreadFault(this.#file, error);
    }
  }

  #read(): void {
    this.#readAt = monotonicNow();
    if (!this.#closed) this.#looking ??= setInterval(() => this.#letGoOfReader(), READER_IDLE_MS / 2).unref();
  }

  #letGoOfReader(): void {
    const { reader } = this.#opening;
    if (!reader || this.#reading > 0 || monotonicNow() - this.#readAt < READER_IDLE_MS) return;
    this.#opening.reader = this.#open.reader = null;
    void closed(reader, this.#file).catch((error: unknown) =>
      this.#log?.debug(`A thread of the mail ledger did not close: ${errorText(error)}`),
    );
  }
}

async function closed(opening: Promise<Thread> | null, file: string): Promise<void> {
  const thread = await opening?.catch(() => null);
  if (!thread || thread.ended) return;
  try {
    await withDeadline(`Closing the mail ledger ${file}`, CLOSE_MS, thread.ask({ kind: 'close' }));
    thread.letGo();
  } catch (error) {
    // It hangs at a disk that does not answer: its end is not awaited.
    void thread.stop();
    if (!(error instanceof DeadlineError)) throw error;
  }
}
