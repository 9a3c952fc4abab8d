// What the end of a session, or of its opening, means for the mail and for its lane, in words for people.
// Invariant: "unknown" is all that is left where the server may have had the mail whole and has not answered.
import { LACKING_MS, MOST_HEARD, type TryEnd } from '../sender';
import { OtherVersion } from './mail-request';
import { refusedLines, refusedText, writeAnswer } from './smtp-answer';
import { connectionText, isLoginCode, loginText, SmtpFault } from './smtp-fault';
import { saidBy, type SmtpLogin } from './smtp-login';
import type { RefusedRecipient, SessionEnd } from './smtp-session';

/** Some recipients are refused for now: the mail waits, so that all get it. */
export class HeldForAll extends Error {
  constructor(readonly refused: readonly RefusedRecipient[]) {
    super('It waits for all recipients');
  }
}

/** Another has the entry by now. */
export class NotOurs extends Error {
  constructor() {
    super('Another process has this mail by now.');
  }
}

/** What concerns a login, or the whole server, is not tried with every mail of the lane, ms. */
const LANE_RESTS_MS = 60_000;
/** Until a process has it that can read the mail, ms. */
const RETURNED_MS = 60_000;

/** A reply that may be another one later (RFC 5321, 4.2.1); 503: the dialogue went wrong, which says nothing of the mail. */
const isLater = (code: number): boolean => code < 500 || code === 503;

export const isForNow = ({ code }: RefusedRecipient): boolean => code !== null && isLater(code);

export function unreadableMail(error: unknown): TryEnd {
  if (error instanceof OtherVersion) return { end: 'returned', error: error.message, afterMs: RETURNED_MS };
  return {
    end: 'refused',
    error:
      'What the ledger holds of this mail is damaged: nothing was sent. Let the workflow send it anew, under another key.',
  };
}

export function meaningOfOpening(error: unknown, signal: AbortSignal): TryEnd {
  if (signal.aborted) return stopped;
  if (!(error instanceof SmtpFault)) {
    const why = error instanceof Error ? error.message : String(error);
    const text = `The login for this mail is not there: ${why}`;
    return { end: 'returned', error: text, afterMs: LACKING_MS, isLacking: true };
  }
  const { kind, message, responseCode, answer } = error;
  if (kind === 'connection') return { end: 'failed', why: 'connection', error: message };
  const isRest = kind === 'login' || responseCode === CLOSING || responseCode === NO_SERVICE;
  return {
    ...{ end: 'failed', why: 'refused', error: message },
    ...(answer !== '' && { answer }),
    ...(isRest && { laneRestsMs: LANE_RESTS_MS }),
  };
}

/** RFC 5321, 4.2.3. */
const CLOSING = 421;
const NO_SERVICE = 554;

const stopped: TryEnd = {
  end: 'returned',
  error: 'This process ended before the mail went out.',
  afterMs: 0,
};

/**
 * Of a mail that had not begun, over a connection that others went over before: it may be the connection's fault alone. It has ended
 * at the other end, or it has carried what the server lets one carry (421, or "not now" to the sender).
 */
export const isOfTheConnection = (end: SessionEnd): boolean =>
  (end.end === 'cut' && end.phase === 'nothing') ||
  (end.end === 'refused' &&
    end.phase === 'nothing' &&
    (end.code === CLOSING || (isLater(end.code) && end.refused.length === 0)));

/** @throws what the mail was let go with, where that is a fault of ours */
export function meaningOf(end: SessionEnd, login: SmtpLogin, signal: AbortSignal): TryEnd {
  switch (end.end) {
    case 'accepted':
      return { end: 'sent', answer: writeAnswer(end.response, end.refused, login) };
    case 'refused':
      return meaningOfReply(end, login);
    case 'cut':
      return meaningOfCut(end, login);
    case 'letGo':
      return meaningOfLettingGo(end.why, login, signal);
  }
}

type Reply = Extract<SessionEnd, { end: 'refused' }>;

function meaningOfReply({ code, response, refused }: Reply, login: SmtpLogin): TryEnd {
  const said = saidBy(response, login);
  const later = { end: 'failed', why: 'refused', answer: writeAnswer(response, refused, login) } as const;
  // After a login it is said of the mail: the login was let in.
  if (isLoginCode(code) && login.proof === null) {
    const error = loginText({ responseCode: code }, login, said);
    return { ...later, error, laneRestsMs: LANE_RESTS_MS };
  }
  const server = `${login.host}:${login.port}`;
  const whom =
    refused.length > 1 ? `: ${refused.map((one) => refusedText(one, login)).join('; ')}` : ` (${said})`;
  if (isLater(code))
    return {
      ...{ ...later, error: `${server} does not take the mail now${whom}.` },
      ...(code === CLOSING && { laneRestsMs: LANE_RESTS_MS }),
    };
  return {
    ...{ end: 'refused', error: `${server} refused the mail for good${whom}.` },
    answer: writeAnswer(response, refused, login),
  };
}

type Cut = Extract<SessionEnd, { end: 'cut' }>;

function meaningOfCut({ phase, error, refused }: Cut, login: SmtpLogin): TryEnd {
  const server = `${login.host}:${login.port}`;
  if (phase === 'handedOver') {
    const how = error === null ? `${server} did not answer` : `The connection to ${server} was lost`;
    return {
      end: 'unknown',
      error: `${how} after it had the whole mail. Nobody knows whether it has taken it: look into the Sent mailbox, or ask the recipient.`,
      heard: refusedLines(refused, login, MOST_HEARD),
    };
  }
  // nodemailer has seen it in the server's own limit (RFC 1870).
  if (error?.code === 'EMESSAGE' && error.responseCode === undefined)
    return {
      end: 'refused',
      error: `${server} takes no mail as large as this one. Send smaller attachments, or links to them.`,
    };
  const text = error === null ? `${server} fell silent.` : connectionText(error, login);
  return { end: 'failed', why: 'connection', error: `${text} The mail had not been handed over.` };
}

function meaningOfLettingGo(why: unknown, login: SmtpLogin, signal: AbortSignal): TryEnd {
  if (why instanceof HeldForAll) {
    const names = why.refused.map((one) => refusedText(one, login)).join('; ');
    const error = `${login.host}:${login.port} does not take the mail for everybody now (${names}). It waits for them for some minutes; then it goes to the others.`;
    return { end: 'failed', why: 'refused', error };
  }
  if (signal.aborted) return stopped;
  if (why instanceof NotOurs) return { end: 'returned', error: why.message, afterMs: 0 };
  throw why;
}
