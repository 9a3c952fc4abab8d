// What stands in an entry of kind `mail` beside its content: which login sends it, and how it is tried. JSON, written when the
// mail is enqueued and read by whoever sends it, perhaps a later version in another process.
// Invariants: nothing secret is in it, and nothing of the mail: its addresses, too, stand in its content, so that who forgets
// that forgets all of it; what this version cannot read is said, and never guessed at.
import type { InDoubt, LaneLimits, TrySchedule } from '../sender';

export const MAIL_KIND = 'mail';

/** Who sends it. The secret is n8n's: it is asked for by the credential's id, anew for each connection. */
export interface MailLogin {
  /** As n8n keeps it. Its type is `smtp`, or the one of an OAuth2 login. */
  readonly credential: { readonly id: string; readonly name: string; readonly type: string };
  /** These name the lane, and are what people are told. Null: the server asks for no login. */
  readonly user: string | null;
  readonly host: string;
  readonly port: number;
}

/** Where what was sent can be seen. */
export interface SentPlace {
  /** Its type says how it is asked: IMAP, Gmail's API, or the login that sends, at the IMAP server of the same provider. */
  readonly credential: MailLogin['credential'];
  /** Null: the one that the server names as Sent. */
  readonly mailbox: string | null;
}

export interface MailRequest {
  /** Of this JSON. */
  readonly form: 1;
  readonly login: MailLogin;
  readonly schedule: TrySchedule;
  /** Of one that is in doubt, and not found in Sent: set aside for a person, or sent again under the same Message-ID. */
  readonly inDoubt: InDoubt;
  /** Where it is looked for then. Null: nowhere. */
  readonly sent: SentPlace | null;
  readonly limits: LaneLimits;
  /** "Ignore SSL Issues (Insecure)": as of n8n's own node, it is no part of the credential. */
  readonly allowUnauthorizedCerts: boolean;
}

const MINUTE_MS = 60_000;

/** 1, 5, 15 min and 1 h. */
const LATER_MS = [MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, 60 * MINUTE_MS];

/**
 * 1, 5, 15 min and 1 h where the server says "not now". Where the connection fails 1, 2 and 4 s before these: a server that is
 * begun anew takes longer than 7 s.
 */
export const DEFAULT_MAIL_SCHEDULE: TrySchedule = {
  connection: [1_000, 2_000, 4_000, ...LATER_MS],
  refused: LATER_MS,
};

/** The preset of three tries. */
export const THREE_TRIES: TrySchedule = { connection: [1_000, MINUTE_MS], refused: LATER_MS.slice(0, 2) };

/** Most servers take more; none that is known minds so much. */
export const DEFAULT_MAIL_LIMITS: LaneLimits = { mostAtOnce: 2, mostAMinute: 30 };

/** One login, one lane, whichever credential it is written in. */
export const mailLane = ({ user, host, port }: Pick<MailLogin, 'user' | 'host' | 'port'>): string =>
  `smtp:${user ?? ''}@${host.toLowerCase()}:${port}`;

/** As a row keeps it. */
export const toRow = (request: MailRequest): Readonly<Record<string, unknown>> => ({ ...request });

/** It was written by another version of this package, which this process cannot read. */
export class OtherVersion extends Error {
  constructor(form: unknown) {
    super(
      `This mail was queued by another version of n8n-nodes-durable-mail (form ${String(form)}), and this one cannot send it. ` +
        'Use the newer version in every process of n8n.',
    );
    this.name = 'OtherVersion';
  }
}

/** @throws OtherVersion */
export function mailRequest(row: Readonly<Record<string, unknown>>): MailRequest {
  if (row['form'] !== 1) throw new OtherVersion(row['form']);
  return row as unknown as MailRequest;
}
