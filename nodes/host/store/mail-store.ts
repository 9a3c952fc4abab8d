// Which database holds the mail ledger: that of the node's Mail Store credential, if a person chose so, or the one that
// the environment names for the whole instance, or neither: then it is a SQLite file.
import type {
  ICredentialDataDecryptedObject,
  ICredentialsDecrypted,
  ICredentialTestFunctions,
  INode,
  INodeCredentialDescription,
  INodeCredentialTestResult,
  INodeProperties,
  ITriggerFunctions,
} from 'n8n-workflow';
import { checkPlace } from '../../../engine/instance/place';
import {
  DEFAULT_SCHEMA,
  type PostgresSettings,
  schemaName,
  settingsFromUrl,
} from '../../../engine/ledger/postgres/settings';
import { errorText } from '../../../engine/runtime/log';
import { credentialTitle, titleOf } from '../n8n/credential-name';
import { readEnvironment } from '../n8n/environment';
import { rawParameters } from '../n8n/internals';
import { nodeError } from '../n8n/node-error';
import { asBeforeHint, carried } from '../trigger/as-before';

/** The parameter, and the type of the credential. */
export const MAIL_STORE = 'mailStore';
const URL_VARIABLE = 'DURABLE_MAIL_POSTGRES_URL';

/**
 * The credential alone does not choose. The editor gives a node the only Mail Store there is as soon as the node is
 * looked at, and never lets it go again: a node would leave its trigger's ledger, and forget what was done.
 */
export const mailStoreProperty: INodeProperties = {
  displayName: 'Where Emails Are Kept',
  name: MAIL_STORE,
  type: 'options',
  noDataExpression: true,
  options: [
    {
      name: 'In This n8n',
      value: 'default',
      description: `In a file in its folder, or in the database that ${URL_VARIABLE} names`,
    },
    { name: 'Postgres', value: 'postgres', description: 'The database of a Mail Store credential' },
  ],
  default: 'default',
  description: 'Where the mail ledger is. Nodes that work together need the same one.',
};

/** There only where the choice stood beside the options when it was stored. */
const CHOSEN_BEFORE = 'mailStoreChosenBefore';

/**
 * For a node that has the choice among its options: the choice as it stood beside them before. A credential can be shown
 * for one thing or another only by a value that n8n takes for an expression: it looks no further then.
 */
export const mailStoreBefore: INodeProperties[] = [
  ...carried([{ name: MAIL_STORE, default: 'default' }]),
  {
    displayName: CHOSEN_BEFORE,
    name: CHOSEN_BEFORE,
    type: 'hidden',
    default: '=postgres',
    // From the root: the editor hides a field that is named in the condition of one that a login depends on.
    displayOptions: { show: { [`/${MAIL_STORE}`]: ['postgres'] } },
  },
];

export const mailStoreBeforeHint = asBeforeHint({
  what: 'Emails are kept in <b>Postgres</b>, as was chosen in an older version of this node.',
  option: mailStoreProperty.displayName,
  optionName: MAIL_STORE,
  counts: `$parameter["${MAIL_STORE}"] === "postgres"`,
});

/** Also where nothing is stored. n8n's types know such a condition of parameters only. */
const NOT_CHOSEN = { _cnd: { not: 'postgres' } } as unknown as string;

/** Of a node that has the choice among its options. */
export const mailStoreOptionLogin: INodeCredentialDescription = {
  name: MAIL_STORE,
  displayName: 'Postgres Mail Store',
  required: true,
  testedBy: 'mailStoreTest',
  displayOptions: {
    show: { [CHOSEN_BEFORE]: [NOT_CHOSEN], [`options.${MAIL_STORE}`]: ['postgres'] },
  },
};

/** Its ledger is that of its credential, whatever the environment says. */
export function isNamedByCredential(node: Pick<INode, 'parameters'>): boolean {
  const parameters = rawParameters(node);
  const options = parameters['options'] as Readonly<Record<string, unknown>> | undefined;
  return (options?.[MAIL_STORE] ?? parameters[MAIL_STORE]) === 'postgres';
}

/** Where the editor shows the credential: below the choice. Without it, it would stand above it. */
export const mailStoreCredential: INodeProperties = {
  displayName: 'Credential',
  name: 'credentials',
  type: 'credentials',
  default: '',
};

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
    return { status: 'OK', message: await checkPlace({ kind: 'postgres', settings }) };
  } catch (error) {
    return { status: 'Error', message: errorText(error) };
  }
}
