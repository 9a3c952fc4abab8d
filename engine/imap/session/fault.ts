// What went wrong with an IMAP server, in words that tell a person what happened, where, and what to do.
// Invariant: no password and nothing of a mail stands in a message.
import { DeadlineError } from '../../runtime/time';
import { isBusy, loginFault, type RawError, saidShortly, tlsText } from './fault-texts';
import { credentialOf, type ImapLogin } from './login';

/**
 * - `host`, `unreachable`, `tls`, `greeting`: no connection; settings, or an outage
 * - `login`: user or password rejected; `busy`: the server asks to come back later
 * - `mailbox`: there is no such mailbox, or none that can be opened by its name
 * - `locked`: the mailbox is there, and the server does not open it now
 * - `connection`: an established connection broke or fell silent
 * - `unreadable`: what the server answers cannot be read
 * - `other`: anything else, with its own text
 */
export type FaultKind =
  | 'host'
  | 'unreachable'
  | 'tls'
  | 'greeting'
  | 'login'
  | 'busy'
  | 'mailbox'
  | 'locked'
  | 'connection'
  | 'unreadable'
  | 'other';

export class ImapFault extends Error {
  /** How long the server wants to be left alone, where it said so, ms. */
  readonly retryAfterMs?: number;
  /** The next try asks for less: the wait before it need not grow. */
  readonly lessNext: boolean;

  constructor(
    readonly kind: FaultKind,
    message: string,
    options?: ErrorOptions & { readonly retryAfterMs?: number; readonly lessNext?: boolean },
  ) {
    super(message, options);
    this.name = 'ImapFault';
    this.lessNext = options?.lessNext ?? false;
    if (options?.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
  }
}

const UNREACHABLE = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'CONNECT_TIMEOUT']);
const GREETING = new Set(['GREETING_TIMEOUT', 'ClosedAfterConnectText', 'ClosedAfterConnectTLS']);
const LOST = new Set(['NoConnection', 'EConnectionClosed', 'ECONNRESET', 'EPIPE', 'ETIMEOUT']);

/** What is known of the connection that a fault is of. */
export interface FaultCircumstances {
  /** The server just asked to be left alone for so long: that is why the connection was closed. */
  readonly throttledMs?: number | undefined;
  /** By TLS or STARTTLS. */
  readonly isEncrypted?: boolean;
}

export function toFault(
  cause: unknown,
  login: ImapLogin,
  { throttledMs, isEncrypted = false }: FaultCircumstances = {},
): ImapFault {
  if (cause instanceof ImapFault) return cause;
  const error = cause as RawError;
  const server = `${login.host}:${login.port}`;
  const code = error.code ?? '';
  const fault = (kind: FaultKind, message: string, retryAfterMs?: number): ImapFault =>
    new ImapFault(kind, message, { cause, ...(retryAfterMs !== undefined && { retryAfterMs }) });

  const retryAfterMs = throttledMs ?? error.throttleReset;
  if (retryAfterMs !== undefined || code === 'ETHROTTLE')
    return fault('busy', `${server} is busy and asks to come back later.`, retryAfterMs);
  const refused = loginFault(error, login, isEncrypted);
  if (refused) return fault(...refused);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EAI_FAIL') {
    return fault('host', `The host "${login.host}" was not found. Check Host in ${credentialOf(login)}.`);
  }
  if (UNREACHABLE.has(code)) {
    const how = code === 'ECONNREFUSED' ? 'refused the connection' : 'cannot be reached';
    return fault(
      'unreachable',
      `${server} ${how}. Check Host and Port in ${credentialOf(login)} (usually 993 with SSL/TLS), and that the server is up.`,
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
        `Check Port and SSL/TLS in ${credentialOf(login)}: on for port 993, off for port 143.`,
    );
  }
  if (cause instanceof DeadlineError) return fault('connection', `${server}: ${cause.message}.`);
  if (LOST.has(code)) return fault('connection', `The connection to ${server} was lost.`);
  return fault('other', `${server}: ${error.responseText ?? error.message ?? String(cause)}`);
}

const OUT_OF_REACH = new Set<FaultKind>(['host', 'unreachable', 'greeting', 'connection']);

/** It says of the server that it could not be reached, and nothing of a login; nor that it is to be left alone. */
export const isOutOfReach = (error: unknown): boolean =>
  error instanceof ImapFault && OUT_OF_REACH.has(error.kind) && error.retryAfterMs === undefined;

/** Names the server, whoever logs in. */
export const serverOf = ({ host, port }: ImapLogin): string => `imap ${host.toLowerCase()}:${port}`;

/** The same of a connection that broke, perhaps because much was asked for at once: the next try asks for less. */
export const forLess = <E>(error: E): E | ImapFault =>
  error instanceof ImapFault && error.kind === 'connection'
    ? new ImapFault(error.kind, error.message, { cause: error, lessNext: true })
    : error;

/** A command was answered with NO or BAD. */
export type RefusedCommand = ImapFault & { readonly cause: RawError };

/** Whether the server answered a command with NO or BAD, and goes on. */
export function isRefusal(error: unknown): error is RefusedCommand {
  if (!(error instanceof ImapFault) || error.retryAfterMs !== undefined) return false;
  const status = (error.cause as RawError | undefined)?.responseStatus;
  return error.kind !== 'connection' && (status === 'NO' || status === 'BAD');
}

/** The server's own words when it refused a command; '' where there are none. */
export function wordsOf({ cause: { responseText, serverResponseCode } }: RefusedCommand): string {
  return saidShortly(responseText ?? serverResponseCode ?? '').slice(0, MOST_WORDS);
}

const MOST_WORDS = 300;

/** There are mails, and the server's answers about them cannot be read. @param count so many, at the least */
export function unreadable(login: ImapLogin, count: number): ImapFault {
  const mails = count === 1 ? 'a mail' : `${count} mails`;
  return new ImapFault(
    'unreadable',
    `${login.host}:${login.port} says that there ${count === 1 ? 'is' : 'are'} ${mails} for "${login.user}", and what it ` +
      'answers about them cannot be read. Nothing is lost: they run as soon as it can. ' +
      'Whoever runs the server should look at its log, and whether there is a newer version of it.',
  );
}

/** There are mails, and the server hands out none of them. */
export const nothingOf = ({ host, port, user }: ImapLogin): ImapFault =>
  new ImapFault(
    'unreadable',
    `${host}:${port} lists the mails of "${user}", and hands out nothing of any of them. Nothing is lost: they run as soon as ` +
      'it does. Whoever runs the server should look at its log.',
  );
