// Why there is no connection to an SMTP server, or no login, in words that say what happened, where, and what to do.
// Invariant: no password, no token and nothing of a mail stands in a text.
import { saidBy, type SmtpLogin } from './smtp-login';

/** What nodemailer and Node put on the errors they give, as far as it is read here. */
export interface RawSmtpError {
  readonly message?: string | undefined;
  /** nodemailer's: ESOCKET, EDNS, ECONNECTION, ETIMEDOUT, ETLS, EAUTH, EENVELOPE, EMESSAGE, EPROTOCOL. */
  readonly code?: string | undefined;
  /** The system's, where there is one. */
  readonly originalCode?: string | undefined;
  readonly timeoutType?: string | undefined;
  /** The server's last reply, where it is what failed. */
  readonly response?: string | undefined;
  readonly responseCode?: number | undefined;
  /** nodemailer's: of the dialogue. */
  readonly command?: string | undefined;
}

/**
 * - `connection`: it was not reached, or broke
 * - `login`: it does not let this login in, or not as the credential has it
 * - `reply`: it answered, and did not let anybody on
 */
export class SmtpFault extends Error {
  constructor(
    readonly kind: 'connection' | 'login' | 'reply',
    message: string,
    readonly responseCode: number | null,
    readonly answer: string,
  ) {
    super(message);
    this.name = 'SmtpFault';
  }
}

/** Of an error before the first mail over a connection. */
export function openingFault(cause: unknown, login: SmtpLogin): SmtpFault {
  const error = cause as RawSmtpError;
  const said = saidBy(error.response, login);
  const code = error.responseCode ?? null;
  if (error.code === 'EAUTH' || isLoginCode(code))
    return new SmtpFault('login', loginText(error, login, said), code, said);
  if (error.command === 'STARTTLS' && code !== null)
    return new SmtpFault('login', noStartTlsText(login, said), code, said);
  if (code !== null && said !== '')
    return new SmtpFault('reply', `${serverOf(login)} lets nobody in right now (${said}).`, code, said);
  return new SmtpFault('connection', connectionText(error, login), null, '');
}

/** Authentication required, too weak, refused, or only with encryption (RFC 4954, 6). */
export const isLoginCode = (code: number | null): boolean =>
  code === 530 || code === 534 || code === 535 || code === 538;

const serverOf = ({ host, port }: SmtpLogin): string => `${host}:${port}`;

export function loginText(error: RawSmtpError, login: SmtpLogin, said: string): string {
  const server = serverOf(login);
  const { user, proof, credential } = login;
  if (error.responseCode === 538 || /must issue a starttls/i.test(said))
    return `${server} takes no login without encryption (${said}). In the credential ${credential}, turn on SSL/TLS with port 465, or let it use STARTTLS.`;
  if (user === '' || proof === null)
    return `${server} asks for a login${inBrackets(said)}. Enter User and Password in the credential ${credential}.`;
  if (error.responseCode === undefined)
    return 'accessToken' in proof
      ? `${server} offers no login by OAuth2 (XOAUTH2). Check Host, or choose a credential with a password.`
      : `${server} offers no login that works with the credential ${credential}. Check User and Password there.`;
  if (error.responseCode < 500)
    return `${server} does not let "${user}" log in right now${inBrackets(said)}. It is tried again.`;
  return 'accessToken' in proof
    ? `${server} rejected the login of "${user}"${inBrackets(said)}. Reconnect the credential ${credential}, signed in as this user, and check that sending over SMTP is allowed for the mailbox.`
    : `${server} rejected the login of "${user}"${inBrackets(said)}. Check User and Password in the credential ${credential}; with two-step login, many providers want an app password.`;
}

function noStartTlsText(login: SmtpLogin, said: string): string {
  const { proof, credential } = login;
  const own =
    proof !== null && 'accessToken' in proof
      ? ''
      : ' A server in your own network that has no encryption takes mails with "Disable STARTTLS" there.';
  return (
    `${serverOf(login)} offers no encryption (STARTTLS)${inBrackets(said)}: nothing was sent, and no password. In the credential ` +
    `${credential}, turn on SSL/TLS with port 465.${own}`
  );
}

const inBrackets = (said: string): string => (said === '' ? '' : ` (${said})`);

const PORTS = 'on for port 465, off for ports 587 and 25';

/** Of a connection that was not made, or broke. */
export function connectionText(error: RawSmtpError, login: SmtpLogin): string {
  const server = serverOf(login);
  const { credential } = login;
  const code = error.originalCode ?? error.code ?? '';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EAI_FAIL' || error.code === 'EDNS')
    return `The host "${login.host}" was not found. Check Host in the credential ${credential}.`;
  if (code === 'ECONNREFUSED')
    return `${server} refused the connection. Check Host and Port in the credential ${credential}, and that the server is up.`;
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || error.timeoutType === 'CONNECT_TIMEOUT')
    return `${server} cannot be reached. Check Host and Port in the credential ${credential}: some networks let no mail out over port 25.`;
  if (error.timeoutType === 'GREETING_TIMEOUT')
    return `${server} took the connection but did not greet as an SMTP server. Check Port and SSL/TLS in the credential ${credential}: ${PORTS}.`;
  return (
    certificateText(code, login) ?? tlsText(error, code, login) ?? `The connection to ${server} was lost.`
  );
}

function certificateText(code: string, login: SmtpLogin): string | undefined {
  const server = serverOf(login);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `The certificate of ${server} is for another host. Enter the host that it names as Host in the credential ${login.credential}.`;
  if (code === 'CERT_HAS_EXPIRED')
    return `The certificate of ${server} has expired. Whoever runs the server has to renew it.`;
  if (code === 'CERT_NOT_YET_VALID')
    return `The certificate of ${server} is not valid yet. Check the clock of this machine.`;
  if (/^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT)/.test(code))
    return (
      `The certificate of ${server} is not trusted (${code}). Nothing was sent. For a server in your own network, turn on ` +
      '"Ignore SSL Issues (Insecure)" in the node.'
    );
  return undefined;
}

function tlsText(
  { code, timeoutType }: RawSmtpError,
  systemCode: string,
  login: SmtpLogin,
): string | undefined {
  const isTls = code === 'ETLS' || systemCode === 'EPROTO' || systemCode.startsWith('ERR_SSL');
  if (!isTls && timeoutType !== 'UPGRADE_TIMEOUT') return undefined;
  return `No TLS connection to ${serverOf(login)}. Check Port and SSL/TLS in the credential ${login.credential}: ${PORTS}.`;
}
