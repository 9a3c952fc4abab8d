// Sends mails over SMTP: what a try's end means. How far a mail had come when it ended is SmtpSession's.
// Invariants: "failed" and "refused" are said only where the server cannot have taken the mail, or says itself that it has not; a mail
// goes to each recipient once, whatever became of the others; what concerns the login is not put on the mail.
//
// Some of several recipients refused: a mail whose others are refused for good (5xx) goes to those who can have it, and the answer
// names the rest. Are some refused for now (4xx: greylisting, a full mailbox), the mail waits for all of them for the first tries:
// nothing has been handed over by then, so nobody gets it twice; most are let in by then. After that it goes to those who can have
// it, and the answer names the others: they are not tried again, since the entry is one mail, and it is SENT.
import type { DueEntry } from '../../ledger/outbox';
import { errorText } from '../../runtime/log';
import { delayBefore } from '../delay';
import type { InDoubt, LaneLimits, Sender, Trying, TryEnd, TrySchedule } from '../sender';
import {
  DEFAULT_MAIL_LIMITS,
  DEFAULT_MAIL_SCHEDULE,
  MAIL_KIND,
  mailLane,
  mailRequest,
  type MailRequest,
  OtherVersion,
} from './mail-request';
import { type PackedMail, unpackOutgoing } from './packed-mail';
import { SMTP_TIMEOUTS, type SmtpTimeouts } from './smtp-connect';
import { SmtpFault } from './smtp-fault';
import type { LoginOf, SmtpLogin } from './smtp-login';
import {
  HeldForAll,
  isForNow,
  isOfTheConnection,
  meaningOf,
  meaningOfOpening,
  NotOurs,
  unreadableMail,
} from './smtp-meaning';
import { SmtpPool } from './smtp-pool';
import { type Passage, type SessionEnd, SmtpSession } from './smtp-session';

/**
 * Whether a mail is where the request says that it can be seen (`sent`). What it means that it is not there, whoever built the
 * workflow says: not every server files what it sends.
 * @throws Error, for people: that cannot be seen now
 */
export type FindSent = (request: MailRequest, messageId: string, signal: AbortSignal) => Promise<boolean>;

export interface SmtpPorts {
  readonly loginOf: LoginOf;
  /** Undefined: no Sent can be searched. */
  readonly findSent?: FindSent;
}

/** A mail waits for recipients that are refused for now this often, at the most: 6 min by the usual schedule. */
const MOST_WAITS_FOR_ALL = 2;
type Asked = Pick<DueEntry, 'request'>;

export class SmtpSender implements Sender {
  readonly kind = MAIL_KIND;
  readonly #ports: SmtpPorts;
  readonly #timeouts: SmtpTimeouts;
  readonly #pool = new SmtpPool();

  constructor(ports: SmtpPorts, timeouts: SmtpTimeouts = SMTP_TIMEOUTS) {
    this.#ports = ports;
    this.#timeouts = timeouts;
  }

  limits = (entry: Asked): LaneLimits => readable(entry)?.limits ?? DEFAULT_MAIL_LIMITS;

  schedule = (entry: Asked): TrySchedule => readable(entry)?.schedule ?? DEFAULT_MAIL_SCHEDULE;

  inDoubt = (entry: Asked): InDoubt => readable(entry)?.inDoubt ?? 'aside';

  async send(entry: DueEntry, trying: Trying): Promise<TryEnd> {
    let request: MailRequest;
    let mail: PackedMail;
    try {
      request = mailRequest(entry.request);
      mail = await unpackOutgoing(entry.content);
    } catch (error) {
      return unreadableMail(error);
    }
    const passage = passageOf(entry, request, trying);
    const key = JSON.stringify([
      mailLane(request.login),
      request.login.credential.id,
      request.allowUnauthorizedCerts,
    ]);
    const kept = this.#pool.take(key);
    if (kept) {
      const end = await this.#sendOver(kept, key, mail, passage);
      // Another one is opened, and that is no try.
      if (!isOfTheConnection(end)) return meaningOf(end, kept.login, trying.signal);
    }
    let session: SmtpSession;
    try {
      session = await this.#open(request, trying.signal);
    } catch (error) {
      return meaningOfOpening(error, trying.signal);
    }
    const end = await this.#sendOver(session, key, mail, passage);
    return meaningOf(end, session.login, trying.signal);
  }

  async #open(request: MailRequest, signal: AbortSignal): Promise<SmtpSession> {
    const how = { isVerified: !request.allowUnauthorizedCerts, timeouts: this.#timeouts };
    const login = await this.#ports.loginOf(request, signal);
    try {
      return await SmtpSession.open(login, how, signal);
    } catch (error) {
      // A provider may end a token before its time.
      const rejected = rejectedToken(error, login);
      if (rejected === null) throw error;
      const other = await this.#ports.loginOf(request, signal, rejected).catch(() => login);
      if (tokenOf(other) === rejected) throw error;
      return SmtpSession.open(other, how, signal);
    }
  }

  async #sendOver(
    session: SmtpSession,
    key: string,
    { envelope, raw }: PackedMail,
    passage: Passage,
  ): Promise<SessionEnd> {
    const end = await session.send(envelope, raw, passage);
    this.#pool.give(key, session);
    return end;
  }

  canLook = (entry: Asked): boolean =>
    this.#ports.findSent !== undefined && (readable(entry)?.sent ?? null) !== null;

  look: NonNullable<Sender['look']> = async (entry, signal) => {
    const request = readable(entry);
    if (!this.#ports.findSent || !request?.sent || entry.messageId === null) return null;
    try {
      return (await this.#ports.findSent(request, entry.messageId, signal)) ? 'sent' : 'notSent';
    } catch (error) {
      // Nothing is wrong with the place: this process ends.
      return signal.aborted ? null : { cannot: errorText(error) };
    }
  };

  close(): Promise<void> {
    this.#pool.close();
    return Promise.resolve();
  }
}

const tokenOf = ({ proof }: SmtpLogin): string | null =>
  proof !== null && 'accessToken' in proof ? proof.accessToken : null;

const rejectedToken = (error: unknown, login: SmtpLogin): string | null =>
  error instanceof SmtpFault && error.kind === 'login' && error.responseCode === 535 ? tokenOf(login) : null;

/** Null: of another version; whoever sends it says so. */
function readable({ request }: Asked): MailRequest | null {
  try {
    return mailRequest(request);
  } catch (error) {
    if (error instanceof OtherVersion) return null;
    throw error;
  }
}

/** When the mail goes on, and when it is let go. */
function passageOf(entry: DueEntry, { schedule }: MailRequest, trying: Trying): Passage {
  const isLast = delayBefore(schedule, 'refused', entry) === undefined;
  const waits = entry.refusals < MOST_WAITS_FOR_ALL && !isLast;
  return {
    mayBegin: (refused) => {
      if (waits && refused.some(isForNow)) throw new HeldForAll(refused);
    },
    mayHandOver: async () => {
      if (!(await trying.handOver())) throw new NotOurs();
    },
    signal: trying.signal,
  };
}
