// Brings the schema up to date. One process does it under a lock that ends with its transaction, however many
// come at once; a schema of this version is left alone without a lock, and a newer one is refused.
import { newerSchemaFault, quoted, schemaOf, serverFault } from './fault';
import { migrations } from './migrations';
import { PostgresConnection, type Statements } from './connection';
import { openPool } from './open';
import type { PostgresSettings } from './settings';

/** A migration may have much to rewrite. */
const MIGRATION_TIMEOUT_MS = 10 * 60_000;

export const KNOWN_VERSION = migrations.length;

const selectServer = `
  select current_setting('server_version_num')::int as server,
    to_regclass('durable_mail.schema_version') is not null as made`;

const selectVersion = `select version from durable_mail.schema_version`;

const lockSchema = `select pg_advisory_xact_lock(1936090985, hashtext($1))`;

const selectSchema = `select to_regnamespace($1) is not null as exists`;

const createVersion = `
  create table durable_mail.schema_version (
    version integer not null,
    one boolean primary key default true check (one)
  );
  insert into durable_mail.schema_version (version) values (0)`;

const updateVersion = `update durable_mail.schema_version set version = $1`;

/** @throws LedgerFault: too old a server, a newer schema, no rights */
export async function migrate(connection: PostgresConnection, settings: PostgresSettings): Promise<void> {
  if ((await currentVersion(connection, settings)) === KNOWN_VERSION) return;
  const pool = await openPool(settings, { mostConnections: 1, answerTimeoutMs: MIGRATION_TIMEOUT_MS });
  const migrating = new PostgresConnection(pool, settings);
  try {
    await migrating.transaction((statements) => migrateUnderLock(statements, settings));
  } finally {
    await migrating.close();
  }
}

/** @returns null: nothing is there yet. @throws LedgerFault: too old a server, a newer schema */
export async function currentVersion(
  statements: Statements,
  settings: PostgresSettings,
): Promise<number | null> {
  const { server, made } = (await statements.get<{ server: number; made: boolean }>(selectServer))!;
  const tooOld = serverFault(server, settings);
  if (tooOld) throw tooOld;
  if (!made) return null;
  const { version } = (await statements.get<{ version: number }>(selectVersion))!;
  if (version > KNOWN_VERSION) throw newerSchemaFault(version, KNOWN_VERSION, settings);
  return version;
}

async function migrateUnderLock(statements: Statements, settings: PostgresSettings): Promise<void> {
  const schema = quoted(schemaOf(settings));
  await statements.run(`set local statement_timeout = ${MIGRATION_TIMEOUT_MS}`);
  await statements.run(lockSchema, schema);
  const version = await currentVersion(statements, settings);
  if (version === null) {
    // An administrator may have made it for a user who may not.
    const { exists } = (await statements.get<{ exists: boolean }>(selectSchema, schema))!;
    if (!exists) await statements.run(`create schema ${schema}`);
    await statements.run(createVersion);
  }
  for (const migration of migrations.slice(version ?? 0)) await statements.run(migration);
  await statements.run(updateVersion, KNOWN_VERSION);
}
