// What happens at a source, for whoever follows it as it happens: a process whose log is read line by line.
// Invariant: to follow changes nothing; what a follower throws stops nothing.
import type { SourceKey } from '../ledger/sources';

export type SourceNews =
  /** A connection was made. */
  | { readonly is: 'connected' }
  /** It was read to its end for the first time, or for the first time since it failed. */
  | { readonly is: 'watched' }
  /** There are new events. */
  | { readonly is: 'newMail' }
  /** Nothing came for a while, and it is waited for on. */
  | { readonly is: 'idleRenewed' }
  /** It cannot be read. @param attempt the next one, from 1 */
  | { readonly is: 'failed'; readonly error: Error; readonly retryInMs: number; readonly attempt: number }
  /** Nobody listens to it any more, or another process does. */
  | { readonly is: 'left' };

export type Follow = (source: SourceKey, news: SourceNews) => void;
