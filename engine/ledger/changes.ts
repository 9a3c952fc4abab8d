// The part of the ledger's port that tells what has become of mails and sources, in the order in which it became so: for
// a feed, and for whoever else wants to hear of it.
// Invariants: a change is written in the transaction that makes it so, by the database itself (triggers), whoever writes:
// nothing is told that did not happen, nothing that happened is left out. A reader that goes on after a position is given all
// that came later, or is told that it cannot be; never a part. A change has nothing of a mail's content, sender or subject.

/**
 * What may be heard of, with what `details` says:
 * - `email.*`: `{state, attempt, failures}` as of then, `dueAt` (ms since 1970) where it waits, `execution` (n8n's id) where
 *   it runs. `new`: recorded, before any run. `failed`: it will be tried again. `updated`: any other way in which a state
 *   was left or a time was moved (by hand, or an offer that nobody claimed; GONE, UNKNOWN); with `forgotten: true` what was
 *   kept of the mail; where people did it `{what, by}`, as a deed says it (life.ts); and without a state `{errand, ended: 'done' | 'refused', tries}`, of the kind `errand`, on the server.
 *   That an event was offered (QUEUED) is no change: it still waits.
 * - `email.classified`: `{name, category, priority}` of an annotation; with `removed: true` it was taken away
 * - `source.state`: `{state, connection, notifiedUntil}`; `source.recovered`: `{recovered}`, how many mails
 * - `outbox.*`, of what goes out: `{entry, kind, state, tries, dueAt, workflow, node}`; where a person did it `{what, by}`, too.
 *   `queued`: it was stored. `updated`: it is tried again, hurried, or cancelled; or in doubt, and looked for. `unknown`: a person
 *   decides, since nobody looks for it (any more). With the mail that it answers, if it is of one. That
 *   somebody has taken it (SENDING) is no change
 * - `template.changed`: `{template}`, with `removed: true` it was taken away
 * - `endpoint.changed`: `{endpoint, what: 'saved' | 'setAside' | 'takenBack' | 'missed' | 'removed'}`
 * - `sync.*`, of mails that were there before: `{read, left}`, nothing when it is `completed`; `sync.error`: `{error}`
 */
export type ChangeType =
  | ('email.new' | 'email.started' | 'email.done' | 'email.failed' | 'email.dead' | 'email.updated')
  | 'email.classified'
  | (
      | 'outbox.queued'
      | 'outbox.sent'
      | 'outbox.failed'
      | 'outbox.unknown'
      | 'outbox.bounced'
      | 'outbox.updated'
    )
  | ('template.changed' | 'endpoint.changed')
  | ('source.state' | 'source.recovered')
  | ('sync.started' | 'sync.first_batch' | 'sync.progress' | 'sync.completed' | 'sync.error');

export interface Change {
  /** To go on after this one. Only the ledger can read it, and no other ledger. */
  readonly position: string;
  readonly type: ChangeType;
  /** ms since 1970, the database's clock. On Postgres, when the transaction began that made it so. */
  readonly at: number;
  readonly sourceId: number | null;
  readonly event: string | null;
  readonly workflowId: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

/** What is left out lets everything through. */
export interface ChangeFilter {
  readonly types?: readonly ChangeType[];
  readonly sourceId?: number;
  readonly workflowId?: string;
  /** At or after, ms since 1970. */
  readonly since?: number;
}

export interface ChangePage {
  /** The oldest first. */
  readonly changes: readonly Change[];
  /** To go on after all that was looked at, also what the filter did not let through. */
  readonly position: string;
  /** There was more to look at. */
  readonly more: boolean;
}

export interface Changes {
  /**
   * What came after a position.
   *
   * On Postgres transactions commit in another order than they began: told is only what is older than every transaction
   * under way that writes, in any database of that server. A long one delays what is told, until it ends; it makes no hole.
   * @param limit how many changes are looked at
   * @returns `reset`: not all that came after it is kept any more, or it is no position of this ledger
   */
  changes(after: string, limit: number, filter?: ChangeFilter): Promise<ChangePage | 'reset'>;

  /**
   * Where a reader may begin: after `oldest` it is given all that is kept, after `newest` what becomes so from now on.
   * Two looks at an index: to be asked often, whether there is something new.
   */
  changePositions(): Promise<{ readonly oldest: string; readonly newest: string }>;

  /**
   * Where a reader may begin that wants what became so at a time or after it: right before the first change that is not
   * older, also where the clock was set back since, by up to an hour. The oldest, where what was then is not kept any more.
   * @param at ms since 1970
   */
  changeAt(at: number): Promise<string>;
}

/** So long changes are kept, ms. */
export const KEEP_CHANGES_MS = 86_400_000;

/**
 * No more of them are kept after a sweep, so that a flood does not fill the disk: some 100 MB. A day's, at up to 125,000 mails
 * a day; a flood of more shortens the time, and who was away for longer begins anew.
 */
export const MOST_CHANGES = 500_000;

/** Changes are small, and have one index: so many are swept for one of anything else. */
export const CHANGES_SWEPT = 10;
