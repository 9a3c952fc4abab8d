// What the environment says, read as n8n reads its own variables.
import { readFileSync } from 'node:fs';
import { errorText } from './log';

/**
 * The variable, or the content of the file that the same name with _FILE names (a Docker secret), without the space
 * around it. @throws Error: that file cannot be read
 */
export function readEnvironment(name: string): string | undefined {
  if (process.env[name] !== undefined) return process.env[name];
  const file = process.env[`${name}_FILE`];
  if (!file) return undefined;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw unreadable(name, error);
  }
}

const unreadable = (name: string, error: unknown): Error =>
  new Error(`The file that ${name}_FILE names cannot be read: ${errorText(error)}`);
