// Who may use the console of a node: whoever has what its credential holds.
// Invariants: there is always one; it is compared in a time that tells nothing of it; its secret leaves this file as a digest,
// or as a key that cannot be led back to it.
import { createHash, scrypt } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import type { ICredentialDataDecryptedObject, IHookFunctions, IWebhookFunctions } from 'n8n-workflow';
import type { Right } from '../../engine/console/api';
import type { ConsoleContext } from '../../engine/console/context';
import { isSame } from '../../engine/console/rights';

export interface Login extends Pick<ConsoleContext, 'rights' | 'login'> {
  /** Names what is set now: it changes with each edit. */
  readonly print: string;
  /** Signs sessions; the same in all processes of n8n, for as long as the credential is. */
  readonly sessionKey: () => Promise<Buffer>;
}

type Context = Pick<IHookFunctions | IWebhookFunctions, 'getCredentials' | 'getNodeParameter'>;

/** @param owner whose console it is: another one's sessions are not its own @throws Error that says what to set */
export async function readLogin(context: Context, owner: string): Promise<Login> {
  const right: Right = context.getNodeParameter('right', 'operate') === 'read' ? 'read' : 'operate';
  const isHeader = context.getNodeParameter('authentication', 'basicAuth') === 'headerAuth';
  const data = await context.getCredentials(isHeader ? 'httpHeaderAuth' : 'httpBasicAuth');
  const { wanted, sent, challenge } = isHeader ? byHeader(data) : byBasic(data);
  const secret = JSON.stringify([owner, right, isHeader, wanted]);
  return {
    rights: (headers) => {
      const given = sent(headers);
      return isSame(given ?? '', wanted) && given !== undefined ? right : null;
    },
    login: { kind: 'challenge', challenge },
    print: createHash('sha256').update(secret).digest('hex'),
    // So slow that nobody guesses a password by the sessions that it signs.
    sessionKey: () => promisify<string, string, number, Buffer>(scrypt)(secret, 'mail console session', 32),
  };
}

interface Way {
  /** What is to be sent, and what is. */
  readonly wanted: string;
  readonly sent: (headers: IncomingHttpHeaders) => string | undefined;
  readonly challenge: string;
}

function byBasic(data: ICredentialDataDecryptedObject): Way {
  const [user, password] = [text(data, 'user'), text(data, 'password')];
  if (user === '' || password === '') {
    throw new Error(
      'The Basic Auth credential of the Mail Console has no user or no password, and anybody could log in. Enter both.',
    );
  }
  return {
    wanted: `${user}:${password}`,
    sent: ({ authorization }) => {
      const [, encoded] = /^Basic +([\w+/=-]+) *$/i.exec(authorization ?? '') ?? [];
      return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString();
    },
    challenge: 'Basic realm="Mail Console", charset="UTF-8"',
  };
}

function byHeader(data: ICredentialDataDecryptedObject): Way {
  const [name, value] = [text(data, 'name').trim().toLowerCase(), text(data, 'value')];
  if (name === '' || value === '' || /^cookie2?$/.test(name)) {
    throw new Error(
      'The Header Auth credential of the Mail Console has no name or no value, or its header is Cookie. Enter the name ' +
        'of another header, and a value that nobody guesses.',
    );
  }
  return {
    wanted: value,
    sent: (headers) => {
      const sent = headers[name];
      return typeof sent === 'string' ? sent : undefined;
    },
    challenge: 'Bearer realm="Mail Console"',
  };
}

const text = (data: ICredentialDataDecryptedObject, name: string): string =>
  typeof data[name] === 'string' ? data[name] : '';
