// The SMTP logins that this process can send with. A run has its credential from n8n, as every node does; for what goes on after the
// run, or began in another process, n8n is asked for the credential by its id.
// Where this n8n does not show that, or an expression is in it, a login that a run had here counts on: so such a mail goes on in a
// process where a run with that credential has been, and waits elsewhere.
// Invariants: nothing of a login is stored; a mail waits, and is never dropped, because its login is not here; after a day of that
// it has failed, and can be sent again.
import type { ICredentialDataDecryptedObject } from 'n8n-workflow';
import type { MailRequest } from '../../../engine/outbox/mail/mail-request';
import type { LoginOf, SmtpLogin } from '../../../engine/outbox/mail/smtp-login';
import { processWide } from '../../../engine/runtime/process-wide';
import { monotonicNow } from '../../../engine/runtime/time';
import { titleOf } from '../n8n/credential-name';
import { canReadStoredCredentials, storedCredential } from '../n8n/internals';
import { sayWeaker } from '../n8n/weaker';
import { type CredentialRef, isSmtpType, passwordOf, smtpAccount } from './smtp-credential';
import { tokenOutside } from './token-outside';

/** What a run has read so lately is as it is stored. */
const FRESH_MS = 30_000;
/** Credentials that are not used any more are forgotten. */
const MOST_SEEN = 200;

interface Seen {
  readonly login: SmtpLogin;
  /** Monotonic. */
  readonly at: number;
}

const seen = processWide('smtp-logins', () => new Map<string, Seen>());

const nameOf = ({ id, type }: CredentialRef): string => `${type}:${id}`;

/** A run in this process has it. */
export function noteLogin(credential: CredentialRef, login: SmtpLogin): void {
  const name = nameOf(credential);
  seen.delete(name);
  seen.set(name, { login, at: monotonicNow() });
  const [oldest = name] = seen.keys();
  if (seen.size > MOST_SEEN) seen.delete(oldest);
}

/** @throws Error, for people: there is none here now */
export const smtpLoginOf: LoginOf = async ({ login: { credential } }: MailRequest, signal, rejected) => {
  const known = seen.get(nameOf(credential));
  if (known && monotonicNow() - known.at < FRESH_MS && rejected === undefined) return known.login;
  const data = await stored(credential);
  if (data) {
    const login = await loginFrom(data, credential, signal, rejected);
    if (rejected !== undefined) noteLogin(credential, login);
    return login;
  }
  if (known) return known.login;
  throw new Error(
    canReadStoredCredentials()
      ? `the credential ${titleOf(credential.name, credential.type)} was deleted, or an expression is in it`
      : `no run in this process had the credential ${titleOf(credential.name, credential.type)}, and this n8n shows it to runs only`,
  );
};

async function stored({ id, name, type }: CredentialRef): Promise<ICredentialDataDecryptedObject | null> {
  if (!isSmtpType(type)) return null;
  if (!canReadStoredCredentials()) {
    sayWeaker(
      'This n8n shows a credential to runs only: an email that is sent in the background goes out in a process where a run ' +
        'with the same SMTP credential has been since its start, and waits until then.',
    );
    return null;
  }
  return storedCredential({ id, name }, type, FIELDS[type]);
}

/** What is used of it. Others may be expressions: n8n's own fields of OAuth2 are. */
const FIELDS = {
  smtp: ['user', 'password', 'host', 'port', 'secure', 'disableStartTls', 'hostName'],
  durableSmtpOAuth2Api: [
    ...['provider', 'user', 'tenant', 'otherAccessTokenUrl', 'clientId', 'clientSecret'],
    ...['host', 'port', 'secure', 'hostName'],
  ],
} as const;

async function loginFrom(
  data: ICredentialDataDecryptedObject,
  credential: CredentialRef,
  signal: AbortSignal,
  rejected?: string,
): Promise<SmtpLogin> {
  const account = smtpAccount(data, credential);
  if (credential.type === 'smtp') return { ...account, proof: passwordOf(data) };
  return { ...account, proof: { accessToken: await tokenOutside(data, credential, signal, rejected) } };
}
