// What a command of `durable-mail` is.
// Invariants: no secret is ever an argument, since others on the machine can read those; what is written is for people, line by line.
import type { ParseArgsOptionsConfig } from 'node:util';
import { errorText, type Log } from '../engine/runtime/log';

export interface Command {
  /** After `durable-mail`. */
  readonly name: string;
  /** For the list of commands: one line. */
  readonly summary: string;
  /** For `durable-mail help <name>`, below the summary: what it takes, with an example. */
  readonly help: string;
  readonly options: ParseArgsOptionsConfig;
  /** @returns the exit code: 0, or 1 where something was found that a person is to see to @throws Mistake, LedgerFault, Error */
  run(given: Given, ports: CommandPorts): Promise<number>;
}

export interface Given {
  readonly values: Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;
  readonly positionals: readonly string[];
}

export interface CommandPorts {
  readonly env: NodeJS.ProcessEnv;
  /** One line of what was asked for: to standard output. */
  readonly print: (line: string) => void;
  readonly log: Log;
  /** Aborts with SIGTERM or SIGINT: it has 5 s from then on. */
  readonly signal: AbortSignal;
}

/** Something that whoever called the command has to change; its text says what. */
export class Mistake extends Error {}

/** What cannot be meant there is for whoever called the command to change. @throws Mistake */
export async function setting<T>(read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new Mistake(errorText(error), { cause: error });
  }
}
