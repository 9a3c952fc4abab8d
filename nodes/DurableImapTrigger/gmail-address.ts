// Whose mailbox n8n's Gmail credential opens: it holds no address, and IMAP needs one to log in.
import type {
  IAllExecuteFunctions,
  ICredentialDataDecryptedObject,
  ITriggerFunctions,
  RequestHelperFunctions,
} from 'n8n-workflow';
import { ImapFault } from '../../engine/imap/session/fault';
import { withDeadline } from '../../engine/runtime/time';
import { grantOf } from '../host/n8n/access-token';
import { credentialTitle } from '../host/n8n/credential-name';

export type AddressContext = Pick<ITriggerFunctions, 'getNode'> & {
  readonly helpers: Pick<RequestHelperFunctions, 'httpRequestWithAuthentication'>;
};

/** n8n itself would wait 5 minutes for an answer. */
const ANSWER_MS = 30_000;
const PROFILE_URL = 'https://gmail.googleapis.com/gmail/v1/users/me/profile';

const ENTER_IT = 'Enter it as "Email Address" in the trigger.';

/** By credential, for as long as it holds the same grant. */
const addresses = new Map<string, { readonly grant: string; readonly address: string }>();

/** As Google says. @throws ImapFault */
export async function gmailAddress(
  context: AddressContext,
  data: ICredentialDataDecryptedObject,
): Promise<string> {
  const key = context.getNode().credentials?.['gmailOAuth2']?.id ?? '';
  const name = credentialTitle(context.getNode(), 'gmailOAuth2');
  const grant = grantOf(data);
  const known = addresses.get(key);
  if (known && known.grant === grant) return known.address;
  let profile: { readonly emailAddress?: unknown } | null;
  try {
    const request = { url: PROFILE_URL, json: true };
    const asking = context.helpers.httpRequestWithAuthentication.call(
      context as IAllExecuteFunctions,
      'gmailOAuth2',
      request,
    );
    profile = (await withDeadline('Asking for the email address', ANSWER_MS, asking)) as typeof profile;
  } catch (cause) {
    throw notAsked(name, cause);
  }
  const address = profile?.emailAddress;
  if (typeof address !== 'string' || address === '')
    throw new ImapFault(
      'other',
      `Google did not say whose mailbox the credential ${name} opens. ${ENTER_IT}`,
    );
  addresses.set(key, { grant, address });
  return address;
}

const notAsked = (name: string, cause: unknown): ImapFault =>
  new ImapFault(
    'unreachable',
    `Google could not be asked whose mailbox the credential ${name} opens. ${ENTER_IT}`,
    { cause },
  );
