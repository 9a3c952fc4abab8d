// From a command line to the command, and its end.
// Invariants: SIGTERM and SIGINT end it within END_MS, also where something does not answer; whatever goes wrong is one sentence.
import { parseArgs } from 'node:util';
import { errorText, type Log } from '../engine/runtime/log';
import { type Command, Mistake } from './command';
import { type Level, levelOf, lineLog } from './line-log';

/** Whoever stops a process kills it some time later: systemd after 90 s, Docker after 10. */
const END_MS = 5_000;
const PARENT_LOOK_MS = 500;

/** Loaded when they are asked for. */
const COMMANDS: readonly (() => Promise<Command>)[] = [
  () => import('./collect/collect.js').then(({ collect }) => collect),
  () => import('./check/check.js').then(({ check }) => check),
  () => import('./audit/audit.js').then(({ audit }) => audit),
  () => import('./console/console.js').then(({ console }) => console),
];

/** @param args without Node and the script @returns the exit code: 2 where the command line, or a setting, is wrong */
export async function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  // Whoever read along is gone (`| head`, a log that ended): the work goes on.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const logAt = (level: Level): Log => lineLog((line) => process.stderr.write(`${line}\n`), level);
  let log = logAt('info');
  const [name = 'help', ...rest] = args;
  const commands = await Promise.all(COMMANDS.map((load) => load()));
  if (['help', '--help', '-h'].includes(name)) {
    help(rest[0], commands, print);
    return 0;
  }
  const command = commands.find((each) => each.name === name);
  if (!command) {
    log.error(`There is no command "${name.slice(0, 40)}". durable-mail help lists them.`);
    return 2;
  }
  try {
    const { values, positionals } = given(command, rest);
    if (values['help'] === true) {
      help(name, commands, print);
      return 0;
    }
    log = logAt(levelOf(env));
    return await command.run({ values, positionals }, { env, print, log, signal: ending(env) });
  } catch (error) {
    for (const line of errorText(error).split('\n')) log.error(line);
    return error instanceof Mistake ? 2 : 1;
  }
}

function given({ name, options }: Command, args: readonly string[]): ReturnType<typeof parseArgs> {
  try {
    const help = { type: 'boolean', short: 'h' } as const;
    return parseArgs({ args: [...args], options: { ...options, help }, allowPositionals: true });
  } catch (error) {
    throw new Mistake(`${errorText(error)}. durable-mail help ${name} says what it takes.`);
  }
}

function ending(env: NodeJS.ProcessEnv): AbortSignal {
  const over = new AbortController();
  const end = (): void => {
    if (over.signal.aborted) process.exit(1);
    over.abort();
    setTimeout(() => process.exit(), END_MS).unref();
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  if (env['npm_command'] === 'exec') whenOrphaned(end, over.signal);
  return over.signal;
}

/**
 * npx hands a signal to its shell, which may end by it and hand it on to nobody.
 * @param ending whoever was told to end itself ends in good order, though its shell is gone before it
 */
function whenOrphaned(end: () => void, ending: AbortSignal): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid !== parent) end();
  }, PARENT_LOOK_MS);
  timer.unref();
  ending.addEventListener('abort', () => clearInterval(timer));
}

function help(name: string | undefined, commands: readonly Command[], print: (line: string) => void): void {
  const command = commands.find((each) => each.name === name);
  if (command) {
    print(`durable-mail ${command.name}: ${command.summary}\n\n${command.help}`);
    return;
  }
  print('durable-mail <command>\n');
  for (const { name: one, summary } of commands) print(`  ${one.padEnd(10)}${summary}`);
  print('\ndurable-mail help <command> says more.');
}
