// Where Redis is and who logs in, from one URL: of the environment, or of a Mail Store credential.
// Invariant: an URL is taken whole or refused, and neither it nor a password stands in an error.
import { readFileSync } from 'node:fs';

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * - `false`: not encrypted;
 * - otherwise encrypted, and the server's certificate is checked unless `rejectUnauthorized` is false.
 */
type RedisTls = false | { readonly rejectUnauthorized: boolean; readonly ca?: string };

export interface RedisSettings {
  /**
   * - `one`: a server;
   * - `sentinel`: sentinels that are asked which server of the group `group` is the master;
   * - `cluster`: some nodes of a cluster, which name the others.
   */
  readonly kind: 'one' | 'sentinel' | 'cluster';
  /** One for `one`. */
  readonly addresses: readonly RedisAddress[];
  /** The sentinels' name for the master; of a `sentinel` only. */
  readonly group: string | null;
  readonly user: string | null;
  readonly password: string | null;
  /** The sentinels' own. */
  readonly sentinelUser: string | null;
  readonly sentinelPassword: string | null;
  /** The number of the database; a cluster has only 0. */
  readonly database: number;
  readonly tls: RedisTls;
}

const KINDS = { '': 'one', '+sentinel': 'sentinel', '+cluster': 'cluster' } as const;
const PARAMETERS = ['tls', 'ca', 'sentinelUser', 'sentinelPassword'];
const FORM = 'redis://user:password@host:port/database';

/**
 * Reads an URL:
 * - `redis://user:password@host:6379/0`;
 * - `redis+sentinel://user:password@host1:26379,host2:26379/group/0`;
 * - `redis+cluster://user:password@host1:6379,host2:6379`;
 * - each with `rediss` for TLS with a checked certificate.
 *
 * Its parameters:
 * - `tls=no-verify`: TLS with any certificate; `ca`: a file with the certificates (PEM) that are trusted instead of the public ones;
 * - `sentinelUser`, `sentinelPassword`: where the sentinels ask for a login of their own.
 * @throws Error that says what is wrong, without the URL
 */
export function redisFromUrl(text: string): RedisSettings {
  const parts = /^redis(s?)(\+sentinel|\+cluster|):\/\/(?:([^/?#]*)@)?([^/?#@]*)([^?#]*)(?:\?([^#]*))?$/.exec(
    text.trim(),
  );
  if (!parts) throw wrong(`it does not have the form ${FORM}`);
  const [, secure, scheme = '', login = '', hosts = '', path = '', query = ''] = parts;
  const kind = KINDS[scheme as keyof typeof KINDS];
  const parameters = parametersOf(query);
  const addresses = hosts.split(',').map((host) => addressOf(host, kind === 'sentinel' ? 26_379 : 6379));
  if (kind === 'one' && addresses.length > 1) {
    throw wrong('it names several hosts: begin it with redis+sentinel:// or redis+cluster://');
  }
  return {
    ...{ kind, addresses },
    ...placeOf(kind, path),
    ...loginOf(login),
    sentinelUser: parameters.get('sentinelUser'),
    sentinelPassword: parameters.get('sentinelPassword'),
    tls: tlsOf(secure === 's', parameters),
  };
}

/** Where it is, for people and in errors: without user and password. */
export function redisName({ kind, addresses, group, database }: RedisSettings): string {
  const hosts = addresses
    .map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`)
    .join(', ');
  if (kind === 'cluster') return `the Redis cluster at ${hosts}`;
  const number = database === 0 ? '' : `, database ${database}`;
  return kind === 'sentinel'
    ? `Redis "${group}" of the sentinels at ${hosts}${number}`
    : `Redis at ${hosts}${number}`;
}

function parametersOf(query: string): URLSearchParams {
  const parameters = new URLSearchParams(query);
  const unknown = [...parameters.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown === undefined) return parameters;
  throw wrong(`it has a parameter that is not known; these are: ${PARAMETERS.join(', ')}`);
}

function addressOf(text: string, usualPort: number): RedisAddress {
  const parts = /^(\[[^\]]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(text.trim());
  if (!parts) throw wrong('it names no host, or one that cannot be read');
  const port = parts[2] === undefined ? usualPort : Number(parts[2]);
  if (port < 1 || port > 65_535) throw wrong('a port in it is none from 1 to 65535');
  return { host: decoded(parts[1]!).replace(/^\[(.*)\]$/, '$1'), port };
}

function placeOf(kind: RedisSettings['kind'], path: string): Pick<RedisSettings, 'group' | 'database'> {
  const names = path.split('/').slice(1).map(decoded);
  const group = kind === 'sentinel' ? (names.shift() ?? '') : null;
  if (group === '') throw wrong('it does not say which master the sentinels watch: …/mymaster');
  const [number = '', ...more] = names;
  if (!/^\d{0,4}$/.test(number) || more.some((name) => name !== '')) {
    throw wrong('what follows the host is not the number of a database');
  }
  if (kind === 'cluster' && Number(number) > 0) throw wrong('a cluster has no database but 0');
  return { group, database: Number(number) };
}

function loginOf(login: string): Pick<RedisSettings, 'user' | 'password'> {
  const colon = login.indexOf(':');
  const [user, password] = colon < 0 ? [login, ''] : [login.slice(0, colon), login.slice(colon + 1)];
  if (user !== '' && password === '')
    throw wrong('it has a user without a password; a password alone is :password@');
  return { user: user === '' ? null : decoded(user), password: password === '' ? null : decoded(password) };
}

function tlsOf(isSecure: boolean, parameters: URLSearchParams): RedisTls {
  const [mode, ca] = [parameters.get('tls'), parameters.get('ca')];
  if (mode !== null && mode !== 'no-verify') throw wrong('its parameter tls may only be no-verify');
  if (isSecure) return { rejectUnauthorized: mode === null, ...(ca !== null && { ca: certificates(ca) }) };
  if (mode === null && ca === null) return false;
  throw wrong('it has tls or ca, but does not ask for TLS: begin it with rediss');
}

function certificates(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw wrong('the file that its parameter ca names cannot be read');
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw wrong('a % in it is not followed by two digits; write % itself as %25');
  }
}

const wrong = (what: string): Error => new Error(`The Redis URL cannot be used: ${what}.`);
