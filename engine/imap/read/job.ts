// What reading a mailbox is given, and what passes between its parts.
import type { Candidate, Ledger } from '../../ledger/ledger';
import type { SourceHold } from '../../ledger/source-holds';
import type { Log } from '../../runtime/log';
import type { Beginning } from './begin';
import type { MailFacts } from '../session/facts';
import type { ImapSession } from '../session/session';

export interface SyncJob {
  readonly session: ImapSession;
  readonly hold: SourceHold;
  readonly mailbox: string;
  readonly uidValidity: string;
  readonly ledger: Ledger;
  readonly subscriptions: readonly Beginning[];
  readonly log: Log;
  /** Called after each commit with the subscriptions that have new events. */
  readonly recorded: (subscriptionIds: readonly number[]) => void;
  /** The subscription's rules cannot be applied on this server; it stays where it is. */
  readonly refused: (subscriptionId: number, fault: Error) => void;
  /** How often mails were not handed out, by UID. */
  readonly withheld: Map<number, number>;
  /** While so many mails wait for their run, no older ones are added. */
  readonly mostWaiting: number;
}

export interface NewMail extends Candidate {
  readonly facts: MailFacts;
  readonly messageId: string | null;
  readonly sender: string | null;
  readonly subject: string | null;
}
