// Which database holds the mail ledger: that of the node's Mail Store credential, if a person chose so, or the one that
// the environment names for the whole instance, or neither: then it is a SQLite file.
import type {
  ICredentialDataDecryptedObject,
  ICredentialsDecrypted,
  ICredentialTestFunctions,
  INode,
  INodeCredentialTestResult,
  INodeProperties,
  ITriggerFunctions,
} from 'n8n-workflow';
import { checkPostgres } from '../../engine/ledger/postgres/check';
import {
  DEFAULT_SCHEMA,
  type PostgresSettings,
  schemaName,
  settingsFromUrl,
} from '../../engine/ledger/postgres/settings';
import { errorText } from '../../engine/runtime/log';
import { readEnvironment } from './environment';
import { nodeError } from './node-error';

/** The parameter, and the type of the credential. */
export const MAIL_STORE = 'mailStore';
const URL_VARIABLE = 'DURABLE_MAIL_POSTGRES_URL';

/**
 * The credential alone does not choose. The editor gives a node the only Mail Store there is as soon as the node is
 * looked at, and never lets it go again: a node would leave its trigger's ledger, and forget what was done.
 */
export const mailStoreProperty: INodeProperties = {
  displayName: 'Mail Store',
  name: MAIL_STORE,
  type: 'options',
  noDataExpression: true,
  options: [
    {
      name: 'Default',
      value: 'default',
      description: `The one of this n8n: a file in its folder, or the database that ${URL_VARIABLE} names`,
    },
    { name: 'Postgres', value: 'postgres', description: 'The database of a Mail Store credential' },
  ],
  default: 'default',
  description: 'Where the mail ledger is. Nodes that work together need the same one.',
};

/** Where the editor shows the credential: below the choice. Without it, it would stand above it. */
export const mailStoreCredential: INodeProperties = {
  displayName: 'Credential',
  name: 'credentials',
  type: 'credentials',
  default: '',
};

/** Its ledger is that of its credential, whatever the environment says. */
export const isNamedByCredential = (node: Pick<INode, 'parameters'>): boolean =>
  node.parameters[MAIL_STORE] === 'postgres';

type CredentialReader = Pick<ITriggerFunctions, 'getCredentials' | 'getNode'>;

/** @returns null: no database was chosen @throws Error that names the setting that can never work */
export async function mailStoreSettings(context: CredentialReader): Promise<PostgresSettings | null> {
  if (isNamedByCredential(context.getNode())) {
    return toSettings(await context.getCredentials(MAIL_STORE));
  }
  try {
    const url = readEnvironment(URL_VARIABLE);
    return url ? settingsFromUrl(url) : null;
  } catch (error) {
    const message = `The environment variable ${URL_VARIABLE} cannot be used: ${errorText(error)}`;
    throw nodeError(context.getNode(), message);
  }
}

/** @throws Error that names the field that can never work */
function toSettings(data: ICredentialDataDecryptedObject): PostgresSettings {
  const raw = (name: string): string => {
    const value = data[name];
    return typeof value === 'string' ? value : '';
  };
  const text = (name: string): string => raw(name).trim();
  const fields = { Host: text('host'), Database: text('database'), User: text('user') };
  const [missing] = Object.entries(fields).find(([, value]) => value === '') ?? [];
  if (missing) throw new Error(`${missing} is empty in the Mail Store credential.`);
  const port = Number(data['port'] ?? 5432);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Error('Port in the Mail Store credential must be a number from 1 to 65535.');
  }
  const ca = text('ca');
  return {
    host: fields.Host,
    port,
    database: fields.Database,
    user: fields.User,
    password: raw('password'),
    schema: schemaName(text('schema') || DEFAULT_SCHEMA),
    tls:
      data['ssl'] === 'disable'
        ? false
        : { rejectUnauthorized: data['allowUnauthorizedCerts'] !== true, ...(ca && { ca }) },
  };
}

/** The editor's test of a Mail Store credential: connects, and says what is wrong or missing. Changes nothing. */
export async function mailStoreTest(
  this: ICredentialTestFunctions,
  credential: ICredentialsDecrypted,
): Promise<INodeCredentialTestResult> {
  try {
    return { status: 'OK', message: await checkPostgres(toSettings(credential.data ?? {})) };
  } catch (error) {
    return { status: 'Error', message: errorText(error) };
  }
}
