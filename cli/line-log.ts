// The engine's log as lines that a person can follow.
// Invariant: one line for each message, whatever stands in it.
import { foldRepeats } from '../engine/runtime/folded-log';
import type { Log, LogFields } from '../engine/runtime/log';
import { Mistake } from './command';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export type Level = (typeof LEVELS)[number];

const LEVEL = 'DURABLE_MAIL_LOG_LEVEL';

/** Not set, or empty: info. @throws Mistake */
export function levelOf(env: NodeJS.ProcessEnv): Level {
  const text = env[LEVEL]?.trim().toLowerCase() || 'info';
  const level = LEVELS.find((one) => one === text);
  if (level) return level;
  throw new Mistake(`${LEVEL} is "${text.slice(0, 40)}". Set one of: ${LEVELS.join(', ')}.`);
}

/** @param write takes a line without its end @param level the least that is written */
export function lineLog(write: (line: string) => void, level: Level): Log {
  const least = LEVELS.indexOf(level);
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
