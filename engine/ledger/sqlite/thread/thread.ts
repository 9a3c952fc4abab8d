// One thread for a SQLite file (worker.ts), as n8n's thread sees it: questions, each answered once, over a border that
// neither side waits at.
// Invariants: a thread whose end nobody asked for fails whatever it was asked; a process is kept from its end by what it
// has asked for, never by a thread that has nothing to do.
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type Log } from '../../../runtime/log';
import type { Instance } from '../../ownership';
import { Awake } from './awake';
import { errorOf, type FromThread, type Question, type ToThread } from './border';

// Beside this file, as it is: in the package as JavaScript; TypeScript in tests, which know how to read it.
const KIND = extname(__filename);
const SCRIPT = join(__dirname, `worker${KIND}`);
const READS_SOURCE = KIND === '.ts' ? ['--require', require.resolve('tsx/cjs')] : [];

/** A thread takes tens of ms to start: one that has nothing to do any more waits so long for the next file. */
const SPARE_MS = 10_000;
const MOST_SPARE = 2;

/** Whose questions a thread answers. */
export interface Asker {
  readonly isGone: Instance['isGone'];
  readonly log: Pick<Log, 'warn'> | undefined;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly answered: (() => void) | undefined;
  /** What of a long answer has come so far. */
  readonly items: unknown[];
}

const spare: Thread[] = [];

export class Thread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #awake = new Awake();
  #asked = 0;
  #asker: Asker | null = null;
  #fault: Error | null = null;
  #ended: Error | null = null;
  #sparing: NodeJS.Timeout | undefined;

  /** One that is there, or a new one. @throws Error if this Node.js gives none */
  static take(asker: Asker): Thread {
    const thread = spare.pop() ?? new Thread();
    clearTimeout(thread.#sparing);
    thread.#asker = asker;
    return thread;
  }

  private constructor() {
    this.#worker = new Worker(SCRIPT, {
      name: 'durable-mail-ledger',
      // Nothing of what n8n's own process was started with: its instrumentation, its inspector, its heap.
      execArgv: ['--disable-warning=ExperimentalWarning', ...READS_SOURCE],
      env: {},
      // Little lives long in it, and mails' contents lie outside of this.
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    });
    this.#worker.unref();
    this.#worker.on('message', (message: FromThread) => this.#take(message));
    this.#worker.on(
      'error',
      (error) => (this.#fault = error instanceof Error ? error : new Error(String(error))),
    );
    this.#worker.on('exit', (code) => this.#end(this.#fault ?? new Error(`it ended with code ${code}`)));
  }

  /** Why it is no more; null: it is there. */
  get ended(): Error | null {
    return this.#ended;
  }

  /** @param give what changes hands @returns the answer; rejects with what went wrong, or with why the thread ended */
  ask<T>(question: Question, give: readonly ArrayBuffer[] = []): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(this.#ended);
        return;
      }
      const id = ++this.#asked;
      this.#send({ ...question, id }, give);
      if (this.#waiting.size === 0) this.#worker.ref();
      const answered =
        question.kind === 'call' ? this.#awake.asked(question.call, this.#waiting.size === 0) : undefined;
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject, answered, items: [] });
    });
  }

  /** Nobody asks it anything any more, and it has closed its file. */
  letGo(): void {
    this.#asker = null;
    if (this.#ended) return;
    spare.push(this);
    this.#sparing = setTimeout(() => void this.stop(), SPARE_MS).unref();
    if (spare.length > MOST_SPARE) void spare[0]!.stop();
  }

  /** At once, whatever it does. */
  async stop(): Promise<void> {
    this.#unspare();
    await this.#worker.terminate();
  }

  #unspare(): void {
    clearTimeout(this.#sparing);
    const index = spare.indexOf(this);
    if (index >= 0) spare.splice(index, 1);
  }

  #take(message: FromThread): void {
    if (message.kind === 'warn') this.#asker?.log?.warn(message.message, message.fields);
    else if (message.kind === 'isGone') void this.#tell(message.id, message.home);
    else if (message.kind === 'failed') this.#answered(message.id)?.reject(errorOf(message.failure));
    else if (message.kind === 'done') this.#answered(message.id)?.resolve(message.value);
    else this.#gather(message);
  }

  #gather({ id, items, last }: Extract<FromThread, { kind: 'piece' }>): void {
    const waiting = this.#waiting.get(id)!;
    waiting.items.push(...items);
    if (last) this.#answered(id)!.resolve(waiting.items);
    else this.#send({ kind: 'next', id });
  }

  #answered(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.answered?.();
    if (this.#waiting.size === 0) {
      this.#awake.end();
      this.#worker.unref();
    }
    return waiting;
  }

  /** Always: who asks in the thread waits for it. */
  async #tell(id: number, home: string): Promise<void> {
    let isGone = false;
    try {
      isGone = (await this.#asker?.isGone(home)) ?? false;
    } finally {
      this.#send({ kind: 'gone', id, isGone });
    }
  }

  #send(message: ToThread, give: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, give);
  }

  #end(why: Error): void {
    this.#ended = why;
    this.#unspare();
    for (const { reject } of this.#waiting.values()) reject(why);
    this.#waiting.clear();
  }
}
