// What went wrong with an IMAP server, in words that tell a person what happened, where, and what to do.
// Invariant: no password and nothing of a mail stands in a message.
import { DeadlineError } from '../../runtime/time';
import { isBusy, loginFault, type RawError, saidShortly, thereAre, tlsText } from './fault-texts';
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
  /** How long the server wants to be left alone, where it said so, ms. */
  readonly retryAfterMs?: number;

  constructor(
    readonly kind: FaultKind,
    message: string,
    options?: ErrorOptions & { readonly retryAfterMs?: number },
  ) {
    super(message, options);
    this.name = 'ImapFault';
    if (options?.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
  }
}

const UNREACHABLE = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'CONNECT_TIMEOUT']);
const GREETING = new Set(['GREETING_TIMEOUT', 'ClosedAfterConnectText', 'ClosedAfterConnectTLS']);
const LOST = new Set(['NoConnection', 'EConnectionClosed', 'ECONNRESET', 'EPIPE', 'ETIMEOUT']);

/** @param throttledMs the server just asked to be left alone for so long: that is why the connection was closed */
export function toFault(cause: unknown, login: ImapLogin, throttledMs?: number): ImapFault {
  if (cause instanceof ImapFault) return cause;
  const error = cause as RawError;
  const server = `${login.host}:${login.port}`;
  const code = error.code ?? '';
  const fault = (kind: FaultKind, message: string, retryAfterMs?: number): ImapFault =>
    new ImapFault(kind, message, { cause, ...(retryAfterMs !== undefined && { retryAfterMs }) });

  const retryAfterMs = throttledMs ?? error.throttleReset;
  if (retryAfterMs !== undefined || code === 'ETHROTTLE')
    return fault('busy', `${server} is busy and asks to come back later.`, retryAfterMs);
  const refused = loginFault(error, login);
  if (refused) return fault(...refused);
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
  const tls = tlsText(error, login);
  if (tls !== undefined) return fault('tls', tls);
  const bye = typeof error.reason === 'string' ? error.reason : '';
  if (isBusy(error.serverResponseCode, bye))
    return fault('busy', `${server} is busy and asks to come back later${bye && ` (${bye})`}.`);
  if (GREETING.has(code)) {
    return fault(
      'greeting',
      `${server} took the connection but did not greet as an IMAP server. ` +
        'Check Port and SSL/TLS in the IMAP credential: on for port 993, off for port 143.',
    );
  }
  if (cause instanceof DeadlineError) return fault('connection', `${server}: ${cause.message}.`);
  if (LOST.has(code)) return fault('connection', `The connection to ${server} was lost.`);
  return fault('other', `${server}: ${error.responseText ?? error.message ?? String(cause)}`);
}

/** The fault of a mailbox that cannot be opened. @param existing the mailboxes that are there */
export function mailboxFault(
  mailbox: string,
  login: ImapLogin,
  existing: readonly string[],
  said: string,
): ImapFault {
  const text =
    `The mailbox "${mailbox}" of "${login.user}" on ${login.host} cannot be opened (${saidShortly(said)}). ` +
    `Check Mailbox Name. ${thereAre(existing)}`;
  return new ImapFault('mailbox', text.trimEnd());
}
