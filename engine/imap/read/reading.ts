// What a trigger's settings say about reading its mailbox: where to begin, what to take, how closely to watch.
import type { MailFilter } from '../../mail/filter';
import type { Start } from '../../source/source';
import type { SearchCriteria } from '../rules/criteria';

export interface ImapReading {
  readonly start: Start;
  /** What came while the trigger was switched off is passed over. */
  readonly skipWhileOff: boolean;
  /** It was switched on then, ms since 1970: the same whoever reads. Undefined: nobody has said. */
  readonly skipBefore?: number;
  /** A mail above this size is not stored: it is read again from the server when it runs. Octets. */
  readonly mostStoredBytes: number;
  /** What is taken, judged from what the server tells of each mail; null: everything. */
  readonly filter: MailFilter | null;
  /** The same, judged by the server (SEARCH); null: everything. */
  readonly criteria: SearchCriteria | null;
  /** How long IDLE lasts before the mailbox is read unasked, and how often a server without IDLE is asked. */
  readonly heartbeatMs: number | null;
  /** How long the server may take for a step before the connection counts as dead. */
  readonly commandMs: number;
  /** The connection is made anew after this time, however well it works; null: never. */
  readonly reconnectMs: number | null;
}
