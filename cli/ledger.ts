// Which mail ledger a command works on: what the environment names, as n8n's nodes read it.
import { join } from 'node:path';
import type { Place } from '../engine/instance/place';
import { settingsFromUrl } from '../engine/ledger/postgres/settings';
import { redisUse, type RedisUse } from '../engine/redis/use';
import { readEnvironment } from '../engine/runtime/environment';
import { errorText } from '../engine/runtime/log';
import { Mistake } from './command';

const POSTGRES = 'DURABLE_MAIL_POSTGRES_URL';
const SQLITE = 'DURABLE_MAIL_SQLITE_FILE';

/** @throws Mistake that names the variable */
export function ledgerPlace(): Place {
  const redis = redisBeside();
  try {
    const url = readEnvironment(POSTGRES);
    if (url === '') throw new Error(emptyOf(POSTGRES));
    if (url !== undefined) return { kind: 'postgres', settings: settingsFromUrl(url), redis };
  } catch (error) {
    throw new Mistake(`The environment variable ${POSTGRES} cannot be used: ${errorText(error)}`);
  }
  const file = process.env[SQLITE];
  if (file) return { kind: 'sqlite', file: join(file), redis };
  throw new Mistake(
    `No mail ledger is named. Set ${POSTGRES} (or ${POSTGRES}_FILE, which names a file that holds the URL), ` +
      `or ${SQLITE} to the path of a file that no n8n uses.`,
  );
}

/** Nobody means that: another ledger, or none, would be worked on in its place. */
function emptyOf(name: string): string {
  if (process.env[name] === undefined)
    return `the file that ${name}_FILE names holds nothing. Put the URL into it.`;
  const hides = process.env[`${name}_FILE`] ? `, and hides ${name}_FILE` : '';
  return `it is set, but empty${hides}. Give it the URL, or take it out of the environment.`;
}

function redisBeside(): RedisUse | undefined {
  try {
    return redisUse();
  } catch (error) {
    throw new Mistake(errorText(error));
  }
}
