// What Redis is used for, as the environment says it. Nothing, where no URL is named.
// Invariant: a setting that cannot be meant is an error that names its variable; it is never passed over.
import { readEnvironment } from '../runtime/environment';
import { errorText } from '../runtime/log';
import { ENTRY_FIELDS, type EntryField, EVENT_STREAM, type EventStreamSettings } from './event-entry';
import { redisFromUrl, type RedisSettings } from './settings';

export interface RedisUse {
  readonly settings: RedisSettings;
  /** Events go to a stream; null: they do not. */
  readonly stream: EventStreamSettings | null;
  /** How long the cache in front of `unrecorded` keeps what it was told; null: there is none. */
  readonly seenMs: number | null;
}

const URL = 'DURABLE_MAIL_REDIS_URL';
const STREAM = 'DURABLE_MAIL_REDIS_STREAM';
const FIELDS = `${STREAM}_FIELDS`;
const MOST = `${STREAM}_LENGTH`;
const DAYS = `${STREAM}_DAYS`;
const SEEN = 'DURABLE_MAIL_REDIS_SEEN_CACHE';
const SEEN_MS = 5 * 60_000;

/** What was named by somebody else than the environment, which goes before it. */
export interface NamedUrl {
  readonly text: string;
  /** For errors: "the credential …". */
  readonly of: string;
}

/** @returns undefined: no Redis is named @throws Error that names the variable */
export function redisUse(url?: NamedUrl): RedisUse | undefined {
  const settings = settingsOf(url);
  if (settings) return { settings, stream: streamOf(), seenMs: seenOf() };
  const useless = [STREAM, SEEN].find((name) => isOn(process.env[name]));
  if (useless === undefined) return undefined;
  throw new Error(`${useless} is set, but no Redis is named: set ${URL}, too.`);
}

function settingsOf(url: NamedUrl | undefined): RedisSettings | undefined {
  try {
    const text = url?.text ?? readEnvironment(URL);
    return text ? redisFromUrl(text) : undefined;
  } catch (error) {
    throw new Error(`${url?.of ?? `The environment variable ${URL}`} cannot be used: ${errorText(error)}`, {
      cause: error,
    });
  }
}

const isOn = (text: string | undefined): text is string =>
  text !== undefined && !['', 'false', '0'].includes(text.trim());

function streamOf(): EventStreamSettings | null {
  const name = process.env[STREAM];
  if (!isOn(name)) return null;
  if (!/^[\w.-]{1,64}$/.test(name)) {
    throw new Error(`${STREAM} must be true, or a name of letters, digits, ".", "_" and "-".`);
  }
  return {
    name: name === 'true' ? EVENT_STREAM.name : name,
    fields: fieldsOf(process.env[FIELDS]),
    most: numberOf(MOST, 1) ?? EVENT_STREAM.most,
    keepMs: daysOf(),
  };
}

function fieldsOf(text: string | undefined): readonly EntryField[] {
  if (!text) return EVENT_STREAM.fields;
  const names = text.split(',').map((name) => name.trim());
  const fields = ENTRY_FIELDS.filter((name) => names.includes(name));
  if (fields.length === new Set(names).size) return fields;
  throw new Error(`${FIELDS} names a field that there is not; there are: ${ENTRY_FIELDS.join(', ')}.`);
}

const daysOf = (): number | null => {
  const days = numberOf(DAYS, 0.001);
  return days === null ? null : days * 86_400_000;
};

function seenOf(): number | null {
  const text = process.env[SEEN];
  if (!isOn(text)) return null;
  if (text.trim() === 'true') return SEEN_MS;
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= 3600) return seconds * 1000;
  throw new Error(`${SEEN} must be true (5 minutes), or a number of seconds from 1 to 3600.`);
}

function numberOf(name: string, least: number): number | null {
  const text = process.env[name];
  if (!text) return null;
  const number = Number(text);
  if (number >= least && number <= 1e9) return number;
  throw new Error(`${name} must be a number above 0.`);
}
