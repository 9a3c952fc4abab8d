// The editor's test of a signing credential: whether its secrets have a form that can sign. Nothing is sent.
import type {
  ICredentialsDecrypted,
  ICredentialTestFunctions,
  INodeCredentialTestResult,
} from 'n8n-workflow';
import { errorText } from '../../engine/runtime/log';
import { checkSecrets } from './settings';

export async function signingTest(
  this: ICredentialTestFunctions,
  { name, data = {} }: ICredentialsDecrypted,
): Promise<INodeCredentialTestResult> {
  try {
    checkSecrets(data, name, false);
  } catch (error) {
    return { status: 'Error', message: errorText(error) };
  }
  try {
    checkSecrets(data, name, true);
    return { status: 'OK', message: 'It can sign: Standard Webhooks, and HMAC' };
  } catch (error) {
    // Who wrote the prefix meant that form.
    const isMeant = [data['secret'], data['previousSecret']].some(
      (secret) => typeof secret === 'string' && secret.trim().startsWith('whsec_'),
    );
    return isMeant
      ? { status: 'Error', message: errorText(error) }
      : {
          status: 'OK',
          message: 'It can sign as HMAC only: a secret of Standard Webhooks begins with whsec_',
        };
  }
}
