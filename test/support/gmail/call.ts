// One call of a method of the API: what it is about, and what it may touch.
import type { HistoryHabits } from './history';
import type { Mailbox } from './mailbox';
import type { WatchRequest } from './pubsub';

export interface Behaviour extends HistoryHabits {
  /** Ms that each call takes. */
  latencyMs: number;
  /** Ms before a new mail is found by `q`. */
  searchLagMs: number;
}

export interface Call {
  readonly address: string;
  readonly mailbox: Mailbox;
  /** What stands in the path, by the name of its place. */
  readonly at: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  readonly contentType: string;
  readonly behaviour: Behaviour;
  /** @returns when it ends, ms since 1970 */
  readonly watch: (request: WatchRequest) => number;
  readonly stop: () => void;
}
