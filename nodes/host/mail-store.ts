// Which database holds the mail ledger: the Mail Store credential of the node, or the one that the environment
// names for the whole instance, or neither: then it is a SQLite file.
import type {
  ICredentialDataDecryptedObject,
  ICredentialsDecrypted,
  ICredentialTestFunctions,
  INodeCredentialTestResult,
  ITriggerFunctions,
} from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';
import { checkPostgres } from '../../engine/ledger/postgres/check';
import {
  DEFAULT_SCHEMA,
  type PostgresSettings,
  schemaName,
  settingsFromUrl,
} from '../../engine/ledger/postgres/settings';
import { errorText } from '../../engine/runtime/log';

const MAIL_STORE = 'mailStore';
const URL_VARIABLE = 'DURABLE_MAIL_POSTGRES_URL';

type CredentialReader = Pick<ITriggerFunctions, 'getCredentials' | 'getNode'>;

/** @returns null: no database was chosen @throws Error that names the setting that can never work */
export async function mailStoreSettings(context: CredentialReader): Promise<PostgresSettings | null> {
  if (context.getNode().credentials?.[MAIL_STORE]) {
    return toSettings(await context.getCredentials(MAIL_STORE));
  }
  const url = process.env[URL_VARIABLE];
  if (!url) return null;
  try {
    return settingsFromUrl(url);
  } catch (error) {
    const message = `The environment variable ${URL_VARIABLE} cannot be used: ${errorText(error)}`;
    throw new NodeOperationError(context.getNode(), message);
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
