// What reading a mailbox is given, and what passes between its parts.
import type { Ledger } from '../../ledger/ledger';
import type { Candidate } from '../../ledger/recording';
import type { SourceHold } from '../../ledger/source-holds';
import type { Log } from '../../runtime/log';
import type { ImapBeginning } from './begin';
import type { MailFacts } from '../session/facts';
import type { ImapSession } from '../session/session';
import type { Announcements } from './announcements';
import type { Portion } from './portion';
import type { LastMails } from './small-mails';
import type { Withheld } from './withheld';

export interface SyncJob {
  readonly session: ImapSession;
  readonly hold: SourceHold;
  readonly mailbox: string;
  readonly uidValidity: string;
  readonly ledger: Ledger;
  readonly subscriptions: readonly ImapBeginning[];
  readonly log: Log;
  /** Called after each commit with the subscriptions that have new events. */
  readonly recorded: (subscriptionIds: readonly number[]) => void;
  /** The subscription's rules cannot be applied on this server; it stays where it is. */
  readonly refused: (subscriptionId: number, fault: Error) => void;
  /** The mails that the server does not hand out, and how many it hands out at a time: over all connections. */
  readonly withheld: Withheld;
  readonly portion: Portion;
  /** Whether the server announces what is found: over all connections, too. */
  readonly announcements: Announcements;
  /** How large its mails are, over all connections, too. */
  readonly lastMails: LastMails;
  /** Mails are recorded that the server does not hand out. */
  readonly gaveUp: (mails: readonly NewMail[]) => void;
  /** While so many mails wait for their run, no older ones are added. */
  readonly mostWaiting: number;
  /** Ends the reading early, without harm. */
  readonly signal: AbortSignal;
}

export interface NewMail extends Candidate {
  readonly facts: MailFacts;
  /** It is larger than is stored, though its size is not known. */
  readonly isLarge?: boolean;
  readonly messageId: string | null;
  readonly sender: string | null;
  readonly subject: string | null;
}
