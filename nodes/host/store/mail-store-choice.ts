// Where a person chooses which database holds the mail ledger: the parameter, its credential, and how the choice was stored
// by older versions of the nodes.
// Invariant: whatever stood in a stored node counts on as it did.
import type { INode, INodeCredentialDescription, INodeProperties } from 'n8n-workflow';
import { rawParameters } from '../n8n/internals';
import { asBeforeHint, carried } from '../trigger/as-before';

/** The parameter, and the type of the credential. */
export const MAIL_STORE = 'mailStore';
/** Names the database for the whole instance. */
export const URL_VARIABLE = 'DURABLE_MAIL_POSTGRES_URL';

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
