// What Postgres, pg or the network reported, as a LedgerFault. The one place that reads their codes.
// Invariant: of a server's error only its message goes on: `detail` and `where` can hold values of rows.
import { errorText } from '../../runtime/log';
import { LedgerFault, type LedgerFaultKind } from '../fault';
import { DEFAULT_SCHEMA, type PostgresSettings } from './settings';

/** What a database can report; that a source is taken, or what is asked is wrong, is no fault of it. */
type PostgresFaultKind = Exclude<LedgerFaultKind, 'taken' | 'foreign' | 'twin' | 'replaced' | 'asked'>;

/** The oldest server that is known to work, as `server_version_num` counts. */
const OLDEST_SERVER = 140_000;

/** The error's SQLSTATE; null: the server did not report it. */
export function sqlState(error: unknown): string | null {
  const code = codeOf(error);
  return code !== null && /^[0-9A-Z]{5}$/.test(code) && error instanceof Error && 'severity' in error
    ? code
    : null;
}

/** The connection was lost, and at once: not by waiting for an answer. */
export function wasLost(error: unknown): boolean {
  return kindOf(error) === 'unreachable' && !TIMED_OUT.test(errorText(error));
}

export function faultOf(error: unknown, settings: PostgresSettings): LedgerFault {
  if (error instanceof LedgerFault) return error;
  return faultFor(kindOf(error), reasonOf(error), settings, error);
}

/** @param reason what was found, without a full stop */
export function faultFor(
  kind: PostgresFaultKind,
  reason: string,
  settings: PostgresSettings,
  cause?: unknown,
): LedgerFault {
  const text = `${placeOf(settings)} ${WHAT[kind]}: ${reason}. ${advice(kind, reason, settings, cause)}`;
  return new LedgerFault(kind, text.trim(), cause !== undefined && sqlState(cause) === null ? { cause } : {});
}

/** @param version its `server_version_num`. @returns null: it is new enough */
export function serverFault(version: number, settings: PostgresSettings): LedgerFault | null {
  if (version >= OLDEST_SERVER) return null;
  return new LedgerFault(
    'schema',
    `${placeOf(settings)} is PostgreSQL ${Math.floor(version / 10_000)}; the mail ledger needs ` +
      `${OLDEST_SERVER / 10_000} or newer.`,
  );
}

export function newerSchemaFault(version: number, known: number, settings: PostgresSettings): LedgerFault {
  return new LedgerFault(
    'schema',
    `The mail ledger in ${placeOf(settings)}, schema ${schemaOf(settings)}, was written by a newer ` +
      `n8n-nodes-durable-mail (schema version ${version}, this one knows ${known}). Update the package.`,
  );
}

/** Where it is, for people. */
export const placeOf = ({ host, port, database }: PostgresSettings): string =>
  `Postgres at ${host}:${port}/${database}`;

export const schemaOf = (settings: PostgresSettings): string => settings.schema ?? DEFAULT_SCHEMA;

const TIMED_OUT = /timeout|timed out/i;
const LOST = /terminated|connection error|not queryable|Client was closed|pool after calling end/i;
const NOT_SPOKEN = /does not support SSL|error establishing an SSL/i;
const NETWORK = [
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EPIPE', 'ENOENT'],
  ...['EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN', 'EACCES', 'EADDRNOTAVAIL'],
];
const CERTIFICATE =
  /^(ERR_TLS|ERR_SSL|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO|INVALID_CA)/;

function kindOf(error: unknown): PostgresFaultKind {
  const state = sqlState(error);
  if (state !== null) return kindOfState(state);
  const code = codeOf(error);
  const text = errorText(error);
  if (NOT_SPOKEN.test(text) || (code !== null && CERTIFICATE.test(code))) return 'tls';
  if (code !== null && NETWORK.includes(code)) return 'unreachable';
  if (TIMED_OUT.test(text) || LOST.test(text)) return 'unreachable';
  return /SASL|password/i.test(text) ? 'login' : 'other';
}

function kindOfState(state: string): PostgresFaultKind {
  if (['57P01', '57P02', '57P03', '53300'].includes(state) || state.startsWith('08')) return 'unreachable';
  if (state.startsWith('28')) return 'login';
  if (state === '53100') return 'full';
  if (state === '25006') return 'readonly';
  if (state === '42501') return 'rights';
  // The schema or a table of it is gone.
  return ['3F000', '42P01', '42703'].includes(state) ? 'schema' : 'other';
}

const WHAT: Readonly<Record<PostgresFaultKind, string>> = {
  full: 'has no space left',
  readonly: 'takes no changes',
  unreachable: 'cannot be reached',
  login: 'refused the login',
  tls: 'cannot be reached over a trusted encrypted connection',
  rights: 'does not let this user do what the mail ledger needs',
  schema: 'does not have the tables of the mail ledger as they should be',
  other: 'reported an error',
};

function advice(kind: PostgresFaultKind, reason: string, settings: PostgresSettings, cause: unknown): string {
  switch (kind) {
    case 'full':
      return 'Free some space on its disk.';
    case 'readonly':
      return 'Is it a standby, or set to default_transaction_read_only? Use a primary that takes writes.';
    case 'unreachable':
      return 'Check that it is running, its host and port, and that a firewall lets n8n reach it.';
    case 'login':
      return /no encryption|SSL off/i.test(reason)
        ? 'The server may want encryption: set SSL to Require.'
        : 'Check the user and the password, and what its pg_hba.conf allows.';
    case 'tls':
      return NOT_SPOKEN.test(reason)
        ? 'The server does not offer encryption: set SSL to Disable, or switch TLS on in the server.'
        : "Add the certificate of the server's CA, or check the host's name; to trust any certificate, " +
            'ignore SSL issues.';
    case 'rights':
      return /must be owner|belong to another user/.test(reason)
        ? 'A newer n8n-nodes-durable-mail has to change its tables: update them once as the user who made them ' +
            '(use that login for a moment), or make this user their owner.'
        : `Run this as an administrator of the database: ${grants(settings)}`;
    case 'schema':
      return 'Restart n8n to make what is missing, or restore a backup.';
    case 'other':
      return sqlState(cause) === '3D000'
        ? `Make it: create database ${quoted(settings.database)} owner ${quoted(settings.user)};`
        : '';
  }
}

/** What an administrator runs for a user who may not do all that the ledger needs. */
function grants(settings: PostgresSettings): string {
  const schema = quoted(schemaOf(settings));
  const user = quoted(settings.user);
  return [
    `create schema if not exists ${schema};`,
    `grant usage, create on schema ${schema} to ${user};`,
    `grant select, insert, update, delete on all tables in schema ${schema} to ${user};`,
  ].join(' ');
}

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Of an attempt at several addresses, Node tells only the code. */
function reasonOf(error: unknown): string {
  return (errorText(error).trim() || codeOf(error) || 'no reason was given').replace(/\.$/, '');
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
