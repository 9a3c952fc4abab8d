// The editor's test of a Durable IMAP credential: logs in, and says what is wrong if it cannot.
import type {
  ICredentialsDecrypted,
  ICredentialTestFunctions,
  INodeCredentialTestResult,
} from 'n8n-workflow';
import { ImapSession } from '../../engine/imap/session/session';
import { errorText } from '../../engine/runtime/log';
import { titleOf } from '../host/n8n/credential-name';
import { toLogin } from '../host/n8n/imap-credential';

/** The editor waits for the answer. */
const TEST_MS = 30_000;

export async function durableImapTest(
  this: ICredentialTestFunctions,
  credential: ICredentialsDecrypted,
): Promise<INodeCredentialTestResult> {
  try {
    const login = toLogin(credential.data ?? {}, 'durableImap', titleOf(credential.name, 'durableImap'));
    const session = await ImapSession.connect(login, AbortSignal.timeout(TEST_MS));
    await session.end();
    return { status: 'OK', message: `Logged in to ${login.host} as ${login.user}` };
  } catch (error) {
    return { status: 'Error', message: errorText(error) };
  }
}
