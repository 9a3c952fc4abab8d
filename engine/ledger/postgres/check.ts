// Tells whether a database can hold the ledger, for a credential's test. It changes nothing.
import { PostgresConnection, type Statements } from './connection';
import { faultFor, quoted, schemaOf } from './fault';
import { currentVersion, KNOWN_VERSION } from './migrate';
import { openPool } from './open';
import type { PostgresSettings } from './settings';

const selectServer = `
  select current_setting('server_version') as server,
    current_setting('transaction_read_only') = 'on' as "readOnly",
    to_regnamespace($1) is not null as exists,
    has_database_privilege(current_database(), 'create') as "mayMakeSchema"`;

const selectSchemaRight = `
  select has_schema_privilege(to_regnamespace($1)::oid, $2) as granted`;

const selectOthers = `
  select exists (
    select from pg_class
    where relnamespace = to_regnamespace($1) and relkind = 'r' and not pg_has_role(relowner, 'usage')) as there`;

const selectMissing = `
  select class.relname as name, string_agg(privilege, '/' order by position) as privileges
  from pg_class class
  cross join unnest(array['select', 'insert', 'update', 'delete']) with ordinality needed (privilege, position)
  where class.relnamespace = to_regnamespace($1) and class.relkind = 'r'
    and not has_table_privilege(class.oid, privilege)
  group by class.relname order by class.relname`;

interface Server {
  readonly server: string;
  readonly readOnly: boolean;
  readonly exists: boolean;
  readonly mayMakeSchema: boolean;
}

/**
 * Connects, and looks at the server, the schema and this user's rights.
 * @returns a sentence for people. @throws LedgerFault that says what is missing and what to do about it
 */
export async function checkPostgres(settings: PostgresSettings): Promise<string> {
  const connection = new PostgresConnection(await openPool(settings, { mostConnections: 1 }), settings);
  try {
    return await look(connection, settings);
  } finally {
    await connection.close();
  }
}

async function look(statements: Statements, settings: PostgresSettings): Promise<string> {
  const schema = schemaOf(settings);
  const found = (await statements.get<Server>(selectServer, quoted(schema)))!;
  if (found.exists) await checkSchema(statements, settings, 'usage', `it may not use the schema ${schema}`);
  const version = await currentVersion(statements, settings);
  if (found.readOnly) throw faultFor('readonly', 'it is read-only', settings);
  if (!found.exists && !found.mayMakeSchema) {
    throw faultFor('rights', `it may not make the schema ${schema}`, settings);
  }
  if (found.exists && version !== KNOWN_VERSION) {
    await checkSchema(statements, settings, 'create', `it may not make tables in the schema ${schema}`);
    if (version !== null) await checkOwner(statements, settings);
  }
  if (version !== null) await checkTables(statements, settings);
  const { host, port, database } = settings;
  const connected = `Connected to Postgres ${found.server.split(' ')[0]!} at ${host}:${port}/${database}`;
  return `${connected}; ${outlook(schema, found.exists, version)}`;
}

function outlook(schema: string, exists: boolean, version: number | null): string {
  if (version === null) return `${exists ? 'the tables in ' : ''}schema ${schema} will be made`;
  if (version === KNOWN_VERSION) return `schema ${schema} is ready (version ${version})`;
  return `schema ${schema} will be updated from version ${version} to ${KNOWN_VERSION}`;
}

async function checkSchema(
  statements: Statements,
  settings: PostgresSettings,
  privilege: 'usage' | 'create',
  lack: string,
): Promise<void> {
  const { granted } = (await statements.get<{ granted: boolean }>(
    selectSchemaRight,
    quoted(schemaOf(settings)),
    privilege,
  ))!;
  if (!granted) throw faultFor('rights', lack, settings);
}

async function checkOwner(statements: Statements, settings: PostgresSettings): Promise<void> {
  const schema = schemaOf(settings);
  const others = await statements.get<{ there: boolean }>(selectOthers, quoted(schema));
  if (others!.there)
    throw faultFor('rights', `the tables in schema ${schema} belong to another user`, settings);
}

async function checkTables(statements: Statements, settings: PostgresSettings): Promise<void> {
  const schema = schemaOf(settings);
  const missing = await statements.all<{ name: string; privileges: string }>(selectMissing, quoted(schema));
  if (missing.length === 0) return;
  const list = missing.map(({ name, privileges }) => `${privileges} on ${name}`).join(', ');
  throw faultFor('rights', `in schema ${schema} it lacks ${list}`, settings);
}
