// One line a minute for what is said again and again: in an outage everybody who fails would fill the log.
// Invariants: the first line of each fault is written at once; how many were left out is written within a minute.
import type { Log, LogFields } from './log';

const EVERY_MS = 60_000;

interface Repeats {
  count: number;
  write: (suffix: string) => void;
}

/**
 * Warnings and errors that are the same fault become one line in `everyMs`; all else passes.
 * @param faultOf what makes two messages the same
 */
export function foldRepeats(
  log: Log,
  faultOf: (message: string) => string = (message) => message,
  everyMs = EVERY_MS,
): Log {
  const repeats = new Map<string, Repeats>();

  const fold = (level: 'warn' | 'error') => (message: string, fields?: LogFields) => {
    const write = (suffix: string): void => log[level](`${message}${suffix}`, fields);
    const key = `${level} ${faultOf(message)}`;
    const known = repeats.get(key);
    if (known) {
      known.count++;
      known.write = write;
      return;
    }
    write('');
    const mine: Repeats = { count: 0, write };
    repeats.set(key, mine);
    const timer = setInterval(() => {
      const { count } = mine;
      mine.count = 0;
      if (count > 0) {
        mine.write(count === 1 ? '' : ` (and ${count - 1} times more in the last minute)`);
        return;
      }
      clearInterval(timer);
      repeats.delete(key);
    }, everyMs).unref();
  };

  return {
    debug: (message, fields) => log.debug(message, fields),
    info: (message, fields) => log.info(message, fields),
    warn: fold('warn'),
    error: fold('error'),
  };
}
