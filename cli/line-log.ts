// The engine's log as lines that a person can follow.
// Invariant: one line for each message, whatever stands in it.
import { foldRepeats } from '../engine/runtime/folded-log';
import type { Log, LogFields } from '../engine/runtime/log';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** @param write takes a line without its end @param level the least that is written; default: info */
export function lineLog(write: (line: string) => void, level = 'info'): Log {
  const least = Math.max(LEVELS.indexOf(level.toLowerCase() as (typeof LEVELS)[number]), 0);
  const at = (index: number) => (message: string, fields?: LogFields) => {
    if (index < least) return;
    const told = Object.entries(fields ?? {}).flatMap(([name, value]) =>
      value === undefined ? [] : `${name}=${value}`,
    );
    const mark = index >= 2 ? `${LEVELS[index]!.toUpperCase()} ` : '';
    write(`${new Date().toISOString()} ${mark}${[message, ...told].join(' ').replace(/[\r\n]+/g, ' ')}`);
  };
  return foldRepeats({ debug: at(0), info: at(1), warn: at(2), error: at(3) });
}
