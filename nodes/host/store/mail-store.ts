// Which database holds the mail ledger: that of the node's Mail Store credential, if a person chose so, or the one that
// the environment names for the whole instance, or neither: then it is a SQLite file.
import type {
  ICredentialDataDecryptedObject,
  ICredentialsDecrypted,
  ICredentialTestFunctions,
  INodeCredentialTestResult,
  ITriggerFunctions,
} from 'n8n-workflow';
import { checkPlace } from '../../../engine/instance/place';
import {
  DEFAULT_SCHEMA,
  type PostgresSettings,
  schemaName,
  settingsFromUrl,
} from '../../../engine/ledger/postgres/settings';
import { type NamedUrl, redisUse, type RedisUse } from '../../../engine/redis/use';
import { errorText } from '../../../engine/runtime/log';
import { credentialTitle, titleOf } from '../n8n/credential-name';
import { readEnvironment } from '../../../engine/runtime/environment';
import { nodeError } from '../n8n/node-error';
import { isNamedByCredential, MAIL_STORE, URL_VARIABLE } from './mail-store-choice';

type CredentialReader = Pick<ITriggerFunctions, 'getCredentials' | 'getNode'>;

/** @returns null: no database was chosen @throws Error that names the setting that can never work */
export async function mailStoreSettings(context: CredentialReader): Promise<PostgresSettings | null> {
  if (isNamedByCredential(context.getNode())) {
    const data = await context.getCredentials(MAIL_STORE);
    return toSettings(data, credentialTitle(context.getNode(), MAIL_STORE));
  }
  try {
    const url = readEnvironment(URL_VARIABLE);
    return url ? settingsFromUrl(url) : null;
  } catch (error) {
    const message = `The environment variable ${URL_VARIABLE} cannot be used: ${errorText(error)}`;
    throw nodeError(context.getNode(), message);
  }
}

/** Beside the ledger: the credential's, or the environment's. @throws Error that names the setting that can never work */
export async function mailStoreRedis(context: CredentialReader): Promise<RedisUse | undefined> {
  try {
    if (!isNamedByCredential(context.getNode())) return redisUse();
    const data = await context.getCredentials(MAIL_STORE);
    return redisUse(redisOf(data, credentialTitle(context.getNode(), MAIL_STORE)));
  } catch (error) {
    throw nodeError(context.getNode(), errorText(error));
  }
}

function redisOf(data: ICredentialDataDecryptedObject, name: string): NamedUrl | undefined {
  const text = data['redisUrl'];
  if (typeof text !== 'string' || text.trim() === '') return undefined;
  return { text, of: `Redis URL in the credential ${name}` };
}

/** @throws Error that names the field that can never work */
function toSettings(data: ICredentialDataDecryptedObject, name: string): PostgresSettings {
  const raw = (name: string): string => {
    const value = data[name];
    return typeof value === 'string' ? value : '';
  };
  const text = (name: string): string => raw(name).trim();
  const fields = { Host: text('host'), Database: text('database'), User: text('user') };
  const [missing] = Object.entries(fields).find(([, value]) => value === '') ?? [];
  if (missing) throw new Error(`${missing} is empty in the credential ${name}.`);
  const port = Number(data['port'] ?? 5432);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Error(`Port in the credential ${name} must be a number from 1 to 65535.`);
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
    const settings = toSettings(credential.data ?? {}, titleOf(credential.name, MAIL_STORE));
    const redis = redisUse(redisOf(credential.data ?? {}, titleOf(credential.name, MAIL_STORE)));
    return { status: 'OK', message: await checkPlace({ kind: 'postgres', settings, redis }) };
  } catch (error) {
    return { status: 'Error', message: errorText(error) };
  }
}
