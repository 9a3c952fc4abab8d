// Compares a Gmail account with the ledger: which of its mails the ledger has never seen, though those who listen are past them.
// Mails are looked for as where the history had expired (read/gap.ts): by date, and only what the ledger does not know is read.
// Invariants: no cursor moves; without a hold nothing is written; a mail counts as never seen only where its subscription stood
// behind it before Gmail was asked, and takes it by its own settings.
// What it cannot find: a label that a mail from before `since` was given.
import type { Ledger } from '../../ledger/ledger';
import type { NewMessage } from '../../ledger/recording';
import { CLOCK_MARGIN_MS } from '../../runtime/time';
import { type AuditCounts, type AuditPorts, type MissedMail, noCounts } from '../../source/audit';
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

/** By Gmail's own id. */
interface MissedGmail extends MissedMail {
  readonly id: string;
}

export interface Auditing extends AuditPorts<MissedGmail> {
  readonly api: GmailApi;
  /** Of the account. */
  readonly address: string;
  readonly subscriptions: readonly Audited[];
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
  readonly #missing = new Set<string>();
  readonly #notYet = new Set<string>();

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
    }
    return unknown;
  };

  /** Of mails that it takes. */
  async record(audited: Audited, messages: readonly NewMessage[]): ReturnType<Ledger['record']> {
    const missing = messages.filter((message) => isPast(audited.cursor, message));
    for (const message of messages)
      (missing.includes(message) ? this.#missing : this.#notYet).add(gmailIdOf(message.identity));
    if (missing.length === 0) return [];
    const { hold, ledger, found } = this.#auditing;
    if (!hold) {
      for (const { identity, receivedAt, size } of missing)
        found({ id: gmailIdOf(identity), receivedAt, size });
      return [];
    }
    return ledger.record({ hold, messages: missing, cursors: [] });
  }

  counts({ withheld, unsearched }: GmailSyncJob['memory']): AuditCounts {
    const counts = { ...noCounts(), listed: this.#listed.size };
    if (this.#auditing.hold) counts.recorded = this.#missing.size;
    // Its search does not know them yet.
    const unjudged = new Set([...unsearched.keys()].map(gmailIdOf));
    for (const id of this.#listed) {
      if (this.#missing.has(id)) counts.missing++;
      else if (this.#notYet.has(id)) counts.notYet++;
      else if (withheld.has(id)) counts.refused++;
      else if (this.#known.has(id)) counts.known++;
      else if (unjudged.has(id)) counts.notYet++;
      else counts.notDue++;
    }
    return counts;
  }
}

function isPast({ syncedAt, from, fill }: GmailCursor, { receivedAt }: NewMessage): boolean {
  if (receivedAt === null) return true;
  // Older mail is read only now.
  if (fill && receivedAt < from) return false;
  return receivedAt < syncedAt - CLOCK_MARGIN_MS;
}

function jobOf(
  { api, address, ledger, log, hold, recorded }: Auditing,
  audited: Audited,
  memory: GmailSyncJob['memory'],
  seen: Seen,
): GmailSyncJob {
  return {
    ...{ api, address, log, recorded, memory, subscriptions: [audited], mostWaiting: Infinity },
    // Without a hold nothing is recorded: no source has this fence.
    hold: hold ?? { sourceId: audited.subscription.sourceId, fence: -1 },
    ledger: {
      unrecorded: seen.unrecorded,
      record: ({ messages }) => seen.record(audited, messages),
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
