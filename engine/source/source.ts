// What all kinds of sources share: who listens, and what a watch of one is asked to do.
import type { SourceKey, Subscription } from '../ledger/ledger';

/** A trigger that listens to a source, for as long as it is registered. */
export interface Subscriber<Login> {
  readonly subscription: Subscription;
  /** Whether people were told that it listens: every mail that arrives after that is theirs. */
  readonly begun: () => boolean;
  /** A mail above this size is not stored: it is read again from the server when it runs. */
  readonly mostStoredBytes: number;
  /** The source was just read to its end for it. */
  readonly synced: () => void;
  /** The login as it is stored now: read again before every connect, since an edit restarts nothing. */
  readonly login: () => Promise<Login>;
  /** Tells a person about a fault that lasts, through n8n's error workflow. */
  readonly report: (fault: Error) => void;
  /** Its login now leads to another account: it has to subscribe anew. */
  readonly moved: () => void;
}

/** One running watch of a source, shared by its subscribers. */
export interface Watch {
  /** There may be something to do: somebody joined. */
  nudge(): void;
  /** Ends it: connections are closed, nothing is recorded any more. */
  stop(): Promise<void>;
}

export type StartWatch<Login> = (
  key: SourceKey,
  sourceId: number,
  subscribers: () => readonly Subscriber<Login>[],
) => Watch;
