// The port of the command, where the configuration has one: contents of mails, /healthz, /metrics, and the Mail Console.
// Invariant: nobody gets anything there without a token; one that the configuration does not have is made, and nobody is told it.
import { createHash, randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { besidePort } from '../../engine/console/home/settings';
import { tokensAt } from '../../engine/console/home/tokens';
import type { HttpSettings } from '../../engine/instance/http';
import type { Log } from '../../engine/runtime/log';
import type { Config } from '../config/schema';
import { httpTokens } from '../config/http-tokens';

/** @returns null: the configuration has no port @throws Error that says which setting, or token, cannot be used */
export async function portSettings({ http }: Config, log: Log): Promise<HttpSettings | null> {
  if (http?.port === undefined) return null;
  const { port, host, publicUrl } = http;
  const beside = besidePort();
  const names = publicUrl === undefined ? beside.names : [...beside.names, new URL(publicUrl).hostname];
  return {
    ...{ ...beside, port, host, names, log, editorUrl: null },
    tokens: await tokensOf(http, log),
    elsewhere: 'Another port or address is set with http in the configuration.',
  };
}

async function tokensOf(http: NonNullable<Config['http']>, log: Log): Promise<HttpSettings['tokens']> {
  const set = httpTokens(http);
  if (set === null) return tokensAt({ folder: join(homedir(), '.durable-mail'), maker: 'durable-mail' }, log);
  const { read, operate = randomBytes(32).toString('base64url') } = set;
  const sessionKey = createHash('sha256')
    .update(JSON.stringify(['collector session', read, operate]))
    .digest();
  return { read, operate, sessionKey };
}
