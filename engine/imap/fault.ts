// What went wrong with an IMAP server, in words that tell a person what happened, where, and what to do.
// Invariant: no password and nothing of a mail stands in a message.
import { DeadlineError } from '../runtime/time';
import type { ImapLogin } from './login';

/**
 * - `host`, `unreachable`, `tls`, `greeting`: no connection; settings, or an outage
 * - `login`: user or password rejected; `busy`: the server asks to come back later
 * - `mailbox`: there is no such mailbox
 * - `connection`: an established connection broke or fell silent
 * - `other`: anything else, with its own text
 */
export type FaultKind =
  'host' | 'unreachable' | 'tls' | 'greeting' | 'login' | 'busy' | 'mailbox' | 'connection' | 'other';

export class ImapFault extends Error {
  constructor(
    readonly kind: FaultKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'ImapFault';
  }
}

/** What imapflow and Node put on the errors they throw, as far as it is read here. */
interface RawError {
  readonly code?: string;
  readonly message?: string;
  readonly authenticationFailed?: boolean;
  readonly serverResponseCode?: string;
  readonly responseText?: string;
  readonly response?: unknown;
  readonly tlsFailed?: boolean;
}

const UNREACHABLE = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'CONNECT_TIMEOUT']);
const GREETING = new Set(['GREETING_TIMEOUT', 'ClosedAfterConnectText', 'ClosedAfterConnectTLS']);
// RFC 5530 and what the large providers send when there are too many logins.
const BUSY = /^(LIMIT|UNAVAILABLE|INUSE|THROTTLED|OVERQUOTA|CONTACTADMIN)$/;
const BUSY_TEXT = /too many|try again|temporar|rate limit|throttl/i;

export function toFault(cause: unknown, login: ImapLogin): ImapFault {
  if (cause instanceof ImapFault) return cause;
  const error = cause as RawError;
  const server = `${login.host}:${login.port}`;
  const code = error.code ?? '';
  const fault = (kind: FaultKind, message: string): ImapFault => new ImapFault(kind, message, { cause });

  if (error.authenticationFailed) return fault(...loginFault(error, login, server));
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EAI_FAIL') {
    return fault('host', `The host "${login.host}" was not found. Check Host in the IMAP credential.`);
  }
  if (UNREACHABLE.has(code)) {
    const how = code === 'ECONNREFUSED' ? 'refused the connection' : 'cannot be reached';
    return fault(
      'unreachable',
      `${server} ${how}. Check Host and Port in the IMAP credential (usually 993 with SSL/TLS), and that the server is up.`,
    );
  }
  if (isCertificateError(code)) {
    return fault(
      'tls',
      `The certificate of ${server} is not trusted (${code}). Check Host in the IMAP credential; ` +
        'turn on "Allow Self-Signed Certificates" there only for a server of your own.',
    );
  }
  if (error.tlsFailed || code === 'EPROTO' || code.startsWith('ERR_SSL')) {
    return fault(
      'tls',
      `No TLS connection to ${server}. Check Port and SSL/TLS in the IMAP credential: on for port 993, off for port 143.`,
    );
  }
  if (GREETING.has(code)) {
    return fault(
      'greeting',
      `${server} took the connection but did not greet as an IMAP server. ` +
        'Check Port and SSL/TLS in the IMAP credential: on for port 993, off for port 143.',
    );
  }
  if (cause instanceof DeadlineError) return fault('connection', `${server}: ${cause.message}.`);
  if (
    code === 'NoConnection' ||
    code === 'EConnectionClosed' ||
    code === 'ECONNRESET' ||
    code === 'ETIMEOUT'
  ) {
    return fault('connection', `The connection to ${server} was lost.`);
  }
  if (code === 'ETHROTTLE' || BUSY.test(error.serverResponseCode ?? ''))
    return fault('busy', `${server} is busy and asks to come back later.`);
  return fault('other', `${server}: ${error.responseText ?? error.message ?? String(cause)}`);
}

function loginFault(error: RawError, login: ImapLogin, server: string): [FaultKind, string] {
  const said = error.responseText ?? (typeof error.response === 'string' ? error.response : '');
  if (BUSY.test(error.serverResponseCode ?? '') || BUSY_TEXT.test(said)) {
    return ['busy', `${server} does not let "${login.user}" log in right now (${said.trim() || 'busy'}).`];
  }
  return [
    'login',
    `${server} rejected the login of "${login.user}". Check User and Password in the IMAP credential. ` +
      'Many providers need an app password here.',
  ];
}

const isCertificateError = (code: string): boolean =>
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT|HOSTNAME_MISMATCH)/.test(
    code,
  );

/** The fault of a mailbox that cannot be opened. @param existing the mailboxes that are there */
export function mailboxFault(
  mailbox: string,
  login: ImapLogin,
  existing: readonly string[],
  said: string,
): ImapFault {
  // Dovecot adds how long it took.
  const reason = said.replace(/\s*\([\d.+ ]*secs\)/, '').replace(/\.$/, '');
  const shown = existing.slice(0, 20).map((name) => `"${name}"`);
  const more = existing.length > shown.length ? ' and more' : '';
  const there = shown.length > 0 ? ` There are: ${shown.join(', ')}${more}.` : '';
  return new ImapFault(
    'mailbox',
    `The mailbox "${mailbox}" of "${login.user}" on ${login.host} cannot be opened (${reason}). Check Mailbox Name.${there}`,
  );
}
