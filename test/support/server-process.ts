// One server program of a test's own: started, stopped, killed and frozen as the test wants, with its output in a
// log file. It can be started again after it ended.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { chown, readFile } from 'node:fs/promises';
import { Hopeless, until, witnesses } from './until';

export interface ServerCommand {
  /** For messages, e.g. "Redis". */
  readonly name: string;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly logFile: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether it serves now. */
  readonly answers: () => Promise<boolean>;
  readonly deadlineMs?: number;
  /** Which lines of its log are told when a test has waited in vain; undefined: none. */
  readonly telling?: RegExp;
}

/** So many of its last lines are told, and so much of each. */
const MOST_LINES = 25;
const MOST_LINE = 300;

export class ServerProcess {
  readonly #server: ServerCommand;
  #process: ChildProcess | undefined;
  #frozen = false;

  readonly #witness = (): Promise<string> => this.#tell();

  constructor(server: ServerCommand) {
    this.#server = server;
  }

  /** Of the running process. */
  get pid(): number | undefined {
    return this.running ? this.#process?.pid : undefined;
  }

  get running(): boolean {
    const child = this.#process;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Whether it serves now. */
  answers(): Promise<boolean> {
    return this.#server.answers();
  }

  /** Starts it, again after `down`, and waits until it answers. */
  async up(): Promise<void> {
    if (this.running) return;
    const { name, command, cwd, logFile, environment, answers, deadlineMs = 30_000 } = this.#server;
    const [program, ...args] = command;
    const log = openSync(logFile, 'a');
    const child = spawn(program!, args, {
      cwd,
      stdio: ['ignore', log, log],
      env: { ...process.env, ...environment },
    });
    closeSync(log);
    this.#process = child;
    this.#frozen = false;
    if (this.#server.telling) witnesses.add(this.#witness);
    await once(child, 'spawn');
    const ended = async (): Promise<Error> =>
      new Hopeless(`${name} ended with ${child.signalCode ?? child.exitCode}\n${await this.log()}`);
    await until(
      `${name} answers`,
      async () => {
        if (!this.running) throw await ended();
        return answers();
      },
      deadlineMs,
    );
  }

  /** Ends it; SIGKILL is a crash. */
  async down(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    witnesses.delete(this.#witness);
    if (!child || !this.running) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    // A frozen process takes no signal but SIGKILL.
    this.resume();
    await exit;
  }

  /** Stops the clock for it: its connections stay open, and it does nothing. */
  freeze(): void {
    this.#process?.kill('SIGSTOP');
    this.#frozen = true;
  }

  resume(): void {
    if (this.#frozen) this.#process?.kill('SIGCONT');
    this.#frozen = false;
  }

  /** All that it has written, over all its lives. */
  log(): Promise<string> {
    return readFile(this.#server.logFile, 'utf8').catch(() => '');
  }

  async #tell(): Promise<string> {
    const { name, telling } = this.#server;
    const how = this.running
      ? 'runs'
      : `ended by itself with ${this.#process?.signalCode ?? this.#process?.exitCode}`;
    const lines = (await this.log()).split('\n').filter((line) => telling!.test(line));
    const last = lines.slice(-MOST_LINES).map((line) => `  ${line.slice(0, MOST_LINE)}`);
    return [`${name} ${how}; of its log:`, ...last].join('\n');
  }
}

/** The user that servers run as when the tests run as root, which some of them refuse. */
const UNPRIVILEGED = { name: 'nobody', group: 'nogroup', uid: 65534, gid: 65534 };

const isRoot = (): boolean => process.getuid?.() === 0;

/** The command as a user without rights would run it. */
export function unprivileged(command: readonly string[]): readonly string[] {
  if (!isRoot()) return command;
  const { name, group } = UNPRIVILEGED;
  return ['setpriv', `--reuid=${name}`, `--regid=${group}`, '--clear-groups', '--', ...command];
}

/** Gives a file or folder to the user that `unprivileged` commands run as. */
export async function giveAway(path: string): Promise<void> {
  if (isRoot()) await chown(path, UNPRIVILEGED.uid, UNPRIVILEGED.gid);
}
