// What the errors of a TLS connection and of a login mean: a kind, and words that say what to do.
// Invariant: nothing secret stands in a text, whatever the server repeats.
import { credentialOf, type ImapLogin } from './login';

/** What imapflow and Node put on the errors they throw, as far as it is read here. */
export interface RawError {
  readonly code?: string;
  readonly message?: string;
  readonly authenticationFailed?: boolean;
  readonly serverResponseCode?: string;
  /** How a command was answered that failed. */
  readonly responseStatus?: string;
  readonly responseText?: string;
  readonly response?: unknown;
  readonly tlsFailed?: boolean;
  /** ETHROTTLE: how long the server wants to be left alone, ms. */
  readonly throttleReset?: number;
  /** What the server said when it ended the connection (BYE). */
  readonly reason?: unknown;
  /** The certificate that does not name the host. */
  readonly cert?: { readonly subjectaltname?: string };
}

// RFC 5530, and what the large providers send when there are too many logins.
const BUSY_CODE = /^(LIMIT|UNAVAILABLE|INUSE|THROTTLED|OVERQUOTA|CONTACTADMIN|SERVERBUG)$/;
const BUSY_TEXT =
  /too many|maximum number of connections|try (again )?later|retry later|temporar|rate limit|throttl|server busy|bandwidth limit/i;

/** Whether the server wants to be asked again later. @param said its words, without the code */
export const isBusy = (code: string | undefined, said = ''): boolean =>
  BUSY_CODE.test(code ?? '') || BUSY_TEXT.test(said);

/** @returns undefined: it has nothing to do with TLS */
export function tlsText(error: RawError, login: ImapLogin): string | undefined {
  const server = `${login.host}:${login.port}`;
  const code = error.code ?? '';
  if (error.message === 'Server does not support STARTTLS') {
    return (
      `${server} does not offer STARTTLS, or refused it. Nothing was sent, because STARTTLS is "Required" in ` +
      `${credentialOf(login)}. If it should offer it, somebody on the way may be reading along. Turn on SSL/TLS there, with port 993; ` +
      'choose "If Offered" or "Never" only for a server in your own network.'
    );
  }
  if (code === 'STARTTLS_INJECTION') {
    return `${server} sent something before the encryption began: somebody on the way may be changing it. Turn on SSL/TLS in ${credentialOf(login)}, with port 993.`;
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = (error.cert?.subjectaltname ?? '').replace(/(DNS|IP Address):/g, '').slice(0, 200);
    return `The certificate of ${server} is for another host${names && ` (${names})`}. Enter the host that it names as Host in ${credentialOf(login)}.`;
  }
  if (code === 'CERT_HAS_EXPIRED') {
    return `The certificate of ${server} has expired. Whoever runs the server has to renew it.`;
  }
  if (code === 'CERT_NOT_YET_VALID') {
    return `The certificate of ${server} is not valid yet. Check the clock of this machine.`;
  }
  if (/^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT)/.test(code)) {
    return login.ca === undefined
      ? `The certificate of ${server} is not trusted (${code}). For a server with an authority of its own, put that into ` +
          '"CA Certificate" of a Durable IMAP credential; turn on "Allow Self-Signed Certificates" only in your own network.'
      : `The certificate of ${server} was signed neither by the "CA Certificate" in ${credentialOf(login)} nor by a public authority (${code}).`;
  }
  if (/ALERT_.*(CERTIFICATE|UNKNOWN_CA)/.test(code)) return clientCertificateText(login);
  if (error.tlsFailed || code === 'EPROTO' || code.startsWith('ERR_SSL')) {
    return `No TLS connection to ${server}. Check Port and SSL/TLS in ${credentialOf(login)}: on for port 993, off for port 143.`;
  }
  return undefined;
}

function clientCertificateText(login: ImapLogin): string {
  const server = `${login.host}:${login.port}`;
  return login.clientCertificate
    ? `${server} did not accept the "Client Certificate" in ${credentialOf(login)}.`
    : `${server} asks for a certificate of the client. Put it into "Client Certificate" of a Durable IMAP credential.`;
}

/** @param isEncrypted the connection is, by TLS or STARTTLS @returns undefined: it is not about the login */
export function loginFault(
  error: RawError,
  login: ImapLogin,
  isEncrypted: boolean,
): [kind: 'login' | 'busy' | 'tls', text: string] | undefined {
  const server = `${login.host}:${login.port}`;
  const byToken = 'accessToken' in login.proof;
  if (error.message === 'Unsupported authentication mechanism') {
    const text = byToken
      ? `${server} offers no login by OAuth2 (XOAUTH2 or OAUTHBEARER). Check Host, or choose a credential with a password.`
      : `${server} offers no login by password. Choose an OAuth2 credential.`;
    return ['login', text];
  }
  if (!error.authenticationFailed) return undefined;
  const said = saidText(error, login);
  if (isBusy(error.serverResponseCode, said)) {
    return ['busy', `${server} does not let "${login.user}" log in right now (${said || 'busy'}).`];
  }
  const takesNone = error.message === 'Login is disabled' || error.serverResponseCode === 'PRIVACYREQUIRED';
  if (takesNone && isEncrypted) {
    return [
      'login',
      `${server} takes no login with a password (LOGINDISABLED), though the connection is encrypted. Ask whoever runs it ` +
        `whether IMAP is switched on for "${login.user}", or choose an OAuth2 credential.`,
    ];
  }
  if (takesNone) {
    return [
      'tls',
      `${server} takes no password without encryption. Turn on SSL/TLS in ${credentialOf(login)}, with port 993, or let it use STARTTLS.`,
    ];
  }
  // Dovecot takes the connection first, and says this instead of looking at the password.
  if (/client.*certificate/i.test(said)) return ['tls', clientCertificateText(login)];
  const rejected = `rejected the login of "${login.user}"${said && ` (${said})`}.`;
  return [
    'login',
    byToken
      ? `${server} ${rejected} Reconnect ${login.credential === undefined ? 'the OAuth2 credential' : credentialOf(login)}, signed in as this user, and check that IMAP is allowed for the mailbox.`
      : `${server} ${rejected} Check User and Password in ${credentialOf(login)}. Many providers need an app password here.`,
  ];
}

/** The server's own words, short, and empty if it repeats what was to prove the login. */
function saidText(error: RawError, { proof }: ImapLogin): string {
  const response = typeof error.response === 'string' ? error.response : '';
  const said = (error.responseText ?? response).trim().replace(/\.$/, '').slice(0, 300);
  const secret = 'password' in proof ? proof.password : proof.accessToken;
  return secret !== '' && said.includes(secret) ? '' : said;
}

/** What the server said, without its full stop, and without the time it took, which Dovecot adds. */
export const saidShortly = (said: string): string =>
  said.replace(/\s*\([\d.+ ]*secs\)/, '').replace(/\.$/, '');

/** Names mailboxes for somebody who looks for the right one, but not hundreds; '' where there are none. */
export function thereAre(names: readonly string[]): string {
  if (names.length === 0) return '';
  const shown = names.slice(0, 20).map((name) => `"${name}"`);
  return `There are: ${shown.join(', ')}${names.length > shown.length ? ' and more' : ''}.`;
}
