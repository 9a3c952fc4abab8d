// What a trigger's settings say about reading its account: where to begin, what to take, how to hear of news.
import type { TextMatch } from '../../mail/filter';
import type { Start } from '../../source/source';
import type { GmailEvent } from '../mail/event';
import type { Notifications } from '../notify/notifications';

export interface GmailFilter {
  /** Label ids; null: any mail. */
  readonly labels: { readonly ids: readonly string[]; readonly match: 'any' | 'all' } | null;
  /** The From field. */
  readonly sender: TextMatch | null;
  /** As in Gmail's search box; null: any mail. Judged by Gmail. */
  readonly search: string | null;
  readonly readStatus: 'read' | 'unread' | 'both';
  readonly drafts: boolean;
  readonly sent: boolean;
  readonly scheduled: boolean;
  readonly spamAndTrash: boolean;
}

export interface GmailReading {
  readonly start: Start;
  /** What came while the trigger was switched off is passed over. */
  readonly skipWhileOff: boolean;
  /** It was switched on then, ms since 1970: the same whoever reads. Undefined: nobody has said. */
  readonly skipBefore?: number;
  /** A mail above this size is not stored: it is read again from Gmail when it runs. Octets. */
  readonly mostStoredBytes: number;
  readonly event: GmailEvent;
  readonly eventLabels: readonly string[];
  readonly filter: GmailFilter;
  /** Ids of labels that mails are given, or lose, after their run. */
  readonly actionLabels?: readonly string[];
  /** How often the history is asked for, ms. */
  readonly pollMs: number;
  readonly notifications: Notifications;
}
