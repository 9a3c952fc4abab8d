// Compares a Gmail account with the ledger: which of its mails the ledger has never seen, though those who listen are past them.
// Mails are looked for as where the history had expired (read/gap.ts): by date, and only what the ledger does not know is read.
// Invariants: no cursor moves; without a hold nothing is written; a mail counts as never seen only where its subscription stood
// behind it before Gmail was asked, and takes it by its own settings.
// What it cannot find: a label that a mail from before `since` was given.
import type { Ledger } from '../../ledger/ledger';
import type { NewMessage } from '../../ledger/recording';
import type { SourceHold } from '../../ledger/source-holds';
import type { Log } from '../../runtime/log';
import { CLOCK_MARGIN_MS } from '../../runtime/time';
import { type AuditCounts, noCounts } from '../../source/audit-counts';
import type { GmailApi } from '../api/api';
import { gmailIdOf } from '../mail/identity';
import type { GmailCursor } from '../read/cursor';
import { closeGaps } from '../read/gap';
import type { GmailBeginning, GmailSyncJob } from '../read/job';
import { Round } from '../read/round';

/** No mail in Gmail is older. */
const FIRST_MS = Date.UTC(2004, 0, 1);

/** One that listens to the account, and where it stood before Gmail was asked. */
export interface Audited extends GmailBeginning {
  readonly cursor: GmailCursor;
  /** What Gmail received before is not its own; ms since 1970; null: all is. */
  readonly from: number | null;
}

interface MissingMail {
  /** Gmail's own id. */
  readonly id: string;
  readonly receivedAt: number | null;
  readonly size: number;
}

export interface Auditing {
  readonly api: GmailApi;
  /** Of the account. */
  readonly address: string;
  readonly subscriptions: readonly Audited[];
  readonly ledger: Ledger;
  readonly log: Log;
  /** Only what Gmail received then or later; ms since 1970. */
  readonly since?: number;
  /** With it, what is missing is recorded. */
  readonly hold?: SourceHold;
  /** Somebody has new mails. */
  readonly recorded: (subscriptionIds: readonly number[]) => void;
  /** It was never seen, and is not recorded, either. */
  readonly found: (mail: MissingMail) => void;
  readonly signal: AbortSignal;
}

/** @throws GmailFault, LedgerFault */
export async function audit(auditing: Auditing): Promise<AuditCounts> {
  const { subscriptions, since = -Infinity, signal } = auditing;
  const seen = new Seen(auditing);
  const memory: GmailSyncJob['memory'] = {
    withheld: new Map(),
    unsearched: new Map(),
    passedOver: new Set(),
  };
  // One by one: what came before one of them began would be read for it only to be left out.
  for (const audited of subscriptions) {
    if (signal.aborted) break;
    const { subscription, cursor, from } = audited;
    const { historyId, syncedAt } = cursor;
    const begin = Math.max(from ?? FIRST_MS, since, FIRST_MS);
    const place: GmailCursor = { historyId, syncedAt, from: cursor.from, since: begin };
    const round = new Round(
      jobOf(auditing, audited, memory, seen),
      new Map([[subscription.id, place]]),
      signal,
    );
    await closeGaps(round);
  }
  return seen.counts(memory);
}

/** What was seen of the account, by Gmail's ids: a mail may bring up several events, and be in several lists. */
class Seen {
  readonly #auditing: Auditing;
  readonly #listed = new Set<string>();
  /** For some of those who would take them, at least. */
  readonly #known = new Set<string>();
  readonly #unknown = new Set<string>();
  readonly #missing = new Set<string>();
  readonly #notYet = new Set<string>();
  readonly #recorded = new Set<string>();

  constructor(auditing: Auditing) {
    this.#auditing = auditing;
  }

  readonly unrecorded: Ledger['unrecorded'] = async (candidates) => {
    const unknown = await this.#auditing.ledger.unrecorded(candidates);
    const left = new Map(unknown.map(({ identity, due }) => [identity, due.length]));
    for (const { identity, due } of candidates) {
      const id = gmailIdOf(identity);
      this.#listed.add(id);
      if ((left.get(identity) ?? 0) < due.length) this.#known.add(id);
      else this.#unknown.add(id);
    }
    return unknown;
  };

  /** Of mails that somebody takes. */
  readonly record: Ledger['record'] = async ({ messages }) => {
    const missing = messages.flatMap((message) => this.#missed(message));
    if (missing.length === 0) return [];
    for (const { identity } of missing) this.#missing.add(gmailIdOf(identity));
    const { hold, ledger, found } = this.#auditing;
    if (!hold) {
      for (const { identity, receivedAt, size } of missing)
        found({ id: gmailIdOf(identity), receivedAt, size });
      return [];
    }
    const news = await ledger.record({ hold, messages: missing, cursors: [] });
    for (const { identity } of missing) this.#recorded.add(gmailIdOf(identity));
    return news;
  };

  counts({ withheld, unsearched }: GmailSyncJob['memory']): AuditCounts {
    const counts = { ...noCounts(), listed: this.#listed.size, recorded: this.#recorded.size };
    for (const id of this.#listed) {
      if (this.#missing.has(id)) counts.missing++;
      else if (this.#notYet.has(id)) counts.notYet++;
      else if (this.#unknown.has(id) && withheld.has(id)) counts.refused++;
      else if (this.#known.has(id)) counts.known++;
      else counts.notDue++;
    }
    // Its search does not know them yet.
    const unjudged = Math.min(unsearched.size, counts.notDue);
    return { ...counts, notYet: counts.notYet + unjudged, notDue: counts.notDue - unjudged };
  }

  /** With those only who are past it. */
  #missed(message: NewMessage): readonly NewMessage[] {
    const due = message.due.filter((id) => this.#isPast(id, message));
    if (due.length > 0) return [{ ...message, due }];
    this.#notYet.add(gmailIdOf(message.identity));
    return [];
  }

  #isPast(subscriptionId: number, { receivedAt }: NewMessage): boolean {
    const audited = this.#auditing.subscriptions.find(({ subscription: { id } }) => id === subscriptionId);
    if (!audited || receivedAt === null) return audited !== undefined;
    const { syncedAt, from, fill } = audited.cursor;
    // Older mail is read only now.
    if (fill && receivedAt < from) return false;
    return receivedAt < syncedAt - CLOCK_MARGIN_MS;
  }
}

function jobOf(
  { api, address, ledger, log, hold, recorded }: Auditing,
  audited: Audited,
  memory: GmailSyncJob['memory'],
  { unrecorded, record }: Seen,
): GmailSyncJob {
  return {
    ...{ api, address, log, recorded, memory, subscriptions: [audited], mostWaiting: Infinity },
    // Without a hold nothing is recorded: no source has this fence.
    hold: hold ?? { sourceId: audited.subscription.sourceId, fence: -1 },
    ledger: {
      ...{ unrecorded, record },
      cursors: (ids) => ledger.cursors(ids),
      waiting: (...asked) => ledger.waiting(...asked),
      noteBounces: (bounces) => (hold ? ledger.noteBounces(bounces) : Promise.resolve([])),
    },
    doing: () => Promise.resolve(),
    refused: (_, fault) => {
      throw fault;
    },
  };
}
