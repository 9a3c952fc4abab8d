// Where the Postgres database is and who logs in: from a credential's fields, or from one URL.
// Invariant: an URL is taken whole or refused, and neither it nor its password stands in an error.
import { readFileSync } from 'node:fs';

/**
 * - `false`: not encrypted;
 * - otherwise encrypted, and the server's certificate is checked unless `rejectUnauthorized` is false.
 */
type PostgresTls = false | { readonly rejectUnauthorized: boolean; readonly ca?: string };

export interface PostgresSettings {
  /** A name or address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** A function is asked again for each connection: a password that changes, or expires. */
  readonly password: string | (() => Promise<string>);
  /** The schema that holds the ledger's tables; default: durable_mail. */
  readonly schema?: string;
  readonly tls: PostgresTls;
  /** Connections of one process at once; default: 4. */
  readonly mostConnections?: number;
}

export const DEFAULT_SCHEMA = 'durable_mail';
const DEFAULT_PORT = 5432;
const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full', 'no-verify'];
const PARAMETERS = ['sslmode', 'sslrootcert', 'schema', 'host'];

/**
 * Reads `postgres://user:password@host:port/database?sslmode=…&sslrootcert=…&schema=…`.
 * - `sslmode`: disable (the default), require, verify-ca or verify-full: TLS with a checked certificate;
 *   no-verify: TLS with any certificate.
 * - `sslrootcert`: a file with the certificates (PEM) that are trusted instead of the public ones.
 * - `host`: the folder of a Unix socket.
 * @throws Error that says what is wrong, without the URL
 */
export function settingsFromUrl(text: string): PostgresSettings {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !['postgres:', 'postgresql:'].includes(url.protocol)) {
    throw wrong('it does not have the form postgres://user:password@host:port/database');
  }
  const unknown = [...url.searchParams.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) {
    // It may be the rest of a password with a question mark in it.
    throw wrong(`it has a parameter that is not known; these are: ${PARAMETERS.join(', ')}`);
  }
  const host = url.searchParams.get('host') ?? decoded(url.hostname).replace(/^\[(.*)\]$/, '$1');
  const database = decoded(url.pathname.slice(1));
  const user = decoded(url.username);
  if (host === '') throw wrong('it names no host');
  if (database === '') throw wrong('it names no database');
  if (user === '') throw wrong('it names no user');
  const schema = url.searchParams.get('schema');
  return {
    host,
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    database,
    user,
    password: decoded(url.password),
    ...(schema !== null && { schema: schemaName(schema) }),
    tls: tlsOf(url.searchParams.get('sslmode') ?? 'disable', url.searchParams.get('sslrootcert')),
  };
}

/** @throws Error: not a name that can be used as it is */
export function schemaName(schema: string): string {
  if (/^[a-z_][a-z0-9_$]{0,62}$/i.test(schema)) return schema;
  throw new Error(
    'The name of the Postgres schema must begin with a letter or _, and hold only letters, digits, _ and $, ' +
      'at most 63 of them.',
  );
}

function tlsOf(mode: string, caFile: string | null): PostgresTls {
  if (!SSL_MODES.includes(mode)) {
    throw wrong(`its sslmode must be one of: ${SSL_MODES.join(', ')}`);
  }
  if (mode === 'disable') {
    if (caFile !== null) throw wrong('it has sslrootcert, but its sslmode does not ask for TLS');
    return false;
  }
  return {
    rejectUnauthorized: mode !== 'no-verify',
    ...(caFile !== null && { ca: certificates(caFile) }),
  };
}

function certificates(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw wrong('the file that its sslrootcert names cannot be read');
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw wrong('a % in it is not followed by two digits; write % itself as %25');
  }
}

const wrong = (what: string): Error => new Error(`The Postgres URL cannot be used: ${what}.`);
