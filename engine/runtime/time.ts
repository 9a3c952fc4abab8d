// Waiting, and not waiting for ever. Deadlines and watchdogs run on the monotonic clock;
// what is stored takes its time from the database.

/** Milliseconds of the monotonic clock: only differences mean anything. */
export const monotonicNow = (): number => performance.now();

/** A mail server's clock, the database's and this machine's need not agree; a mail too many is better than one too few. */
export const CLOCK_MARGIN_MS = 60_000;

const startedAt = Date.now() - monotonicNow();
/** A machine that slept for longer, or that began without knowing the time, is not taken for one whose clock was set ahead. */
const MOST_AHEAD_MS = 86_400_000;

/**
 * The wall clock, or what it would be had it gone on evenly since this process began, ms since 1970: whichever is less, by a day at
 * most. One that was set ahead since does not move it; after this machine slept it is behind. For what had better begin too early
 * than too late.
 */
export function earliestNow(): number {
  const now = Date.now();
  return Math.max(Math.min(now, startedAt + monotonicNow()), now - MOST_AHEAD_MS);
}

/** Resolves after `ms`, or at once when the signal aborts. Never rejects. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const timer = setTimeout(done, ms);
    timer.unref();
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}

/**
 * Until the first of these waits ends, or the signal aborts. The others are ended then: each has to end when its signal
 * aborts, or is left alone. Rejects as the first does.
 */
export async function firstOf(
  signal: AbortSignal,
  waits: readonly ((signal: AbortSignal) => Promise<unknown>)[],
): Promise<void> {
  const over = new AbortController();
  const end = (): void => over.abort();
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  try {
    await Promise.race(waits.map((wait) => wait(over.signal)));
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

/** Waits for it, and no longer than `ms`. @returns undefined: it takes longer, and goes on. Rejects as it does until then. */
export async function within<T>(ms: number, what: Promise<T>): Promise<T | undefined> {
  const over = new AbortController();
  try {
    return await Promise.race([what, pause(ms, over.signal).then(() => undefined)]);
  } finally {
    over.abort();
  }
}

/** The wait was longer than its deadline. */
export class DeadlineError extends Error {
  constructor(
    readonly what: string,
    readonly ms: number,
  ) {
    super(`${what} was not answered within ${Math.round(ms / 1000)} s`);
    this.name = 'DeadlineError';
  }
}

/**
 * The promise's outcome, or a DeadlineError after `ms`. The promise itself goes on: whoever calls must
 * make it end (close its connection), or it leaks.
 */
export async function withDeadline<T>(what: string, ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  // The loser of the race must not become an unhandled rejection.
  promise.catch(() => undefined);
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new DeadlineError(what, ms)), ms);
        timer.unref();
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

/** The promise's outcome, or a rejection as soon as the signal aborts. The promise itself goes on, and nobody hears it. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void =>
      reject(signal.reason instanceof Error ? signal.reason : new Error('It was stopped'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
