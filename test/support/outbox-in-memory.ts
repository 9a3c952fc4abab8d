// The outbox's ports in memory, as engine/ledger/outbox.ts, templates.ts and endpoints.ts say: for tests of whoever asks them.
// Invariant: what it answers a ledger answers, too; it keeps no leases and no lanes: nothing here is sent.
import { newEventId } from '../../engine/ledger/common/event-id';
import type { ConsoleLedger } from '../../engine/console/ports';
import type { Endpoint, NewEndpoint } from '../../engine/ledger/endpoints';
import type {
  Entry,
  EntryAct,
  EntryCounts,
  EntryFilter,
  EntryOutcome,
  EntryPage,
  EntryState,
  NewEntry,
  Outbox,
} from '../../engine/ledger/outbox';
import type { Template, TemplateTexts } from '../../engine/ledger/templates';

const OF: Readonly<Record<EntryAct, readonly EntryState[]>> = {
  retry: ['QUEUED', 'FAILED', 'UNKNOWN', 'BOUNCED', 'CANCELLED'],
  cancel: ['QUEUED', 'UNKNOWN', 'FAILED'],
  markSent: ['UNKNOWN'],
  forget: ['SENT', 'FAILED', 'UNKNOWN', 'BOUNCED', 'CANCELLED'],
};

type OfOutbox = Pick<
  ConsoleLedger & Outbox,
  | (
      | 'enqueue'
      | 'entries'
      | 'entriesOf'
      | 'entriesFound'
      | 'countEntries'
      | 'oldestQueuedAt'
      | 'actOnEntries'
    )
  | ('templates' | 'template' | 'saveTemplate' | 'removeTemplate')
  | ('endpoints' | 'removeEndpoint' | 'takeBack')
>;

export class OutboxInMemory implements OfOutbox {
  /** The oldest first. */
  #entries: Entry[] = [];
  readonly #templates = new Map<string, Template>();
  #endpoints: Endpoint[] = [];

  async enqueue(entries: readonly NewEntry[]): Promise<readonly Entry[]> {
    return entries.map(({ content: _, repeats: __, keepMs: ___, ...entry }) => {
      const known = this.#entries.find(({ key }) => key === entry.key);
      if (known) return known;
      const queued: Entry = {
        ...{ id: newEventId(), ...entry, state: 'QUEUED', tries: 0, dueAt: null, queuedAt: Date.now() },
        ...{ begunAt: null, settledAt: null, lastError: null, lastAnswer: null, hasContent: true },
      };
      this.#entries.push(queued);
      return queued;
    });
  }

  /** One try, and what became of it. */
  async tried(id: string, outcome: EntryOutcome): Promise<void> {
    const [at, isReturned] = [Date.now(), outcome.became === 'QUEUED'];
    this.#change([id], (entry) => ({
      ...{ state: outcome.became, tries: entry.tries + 1, begunAt: at, settledAt: isReturned ? null : at },
      lastError: 'error' in outcome ? outcome.error : null,
      lastAnswer: 'answer' in outcome ? (outcome.answer ?? null) : null,
      dueAt: outcome.became === 'QUEUED' ? at + outcome.delayMs : null,
    }));
  }

  async entries(
    filter: EntryFilter,
    { after, limit }: { readonly after?: number | null; readonly limit: number },
  ): Promise<EntryPage> {
    const found = this.#found(filter).filter(
      (entry) => this.#entries.indexOf(entry) + 1 < (after ?? Infinity),
    );
    const entries = found.slice(0, limit).map((entry) => ({ ...entry }));
    const last = found[limit - 1];
    return { entries, next: last && found.length > limit ? this.#entries.indexOf(last) + 1 : null };
  }

  async entriesOf(
    names: { readonly ids: readonly string[] } | { readonly keys: readonly string[] },
  ): Promise<readonly Entry[]> {
    return this.#entries.filter(({ id, key }) =>
      'ids' in names ? names.ids.includes(id) : names.keys.includes(key),
    );
  }

  async entriesFound(filter: EntryFilter, most: number): Promise<number> {
    return Math.min(most, this.#found(filter).length);
  }

  async countEntries(): Promise<EntryCounts> {
    const of = (state: EntryState): Entry[] => this.#entries.filter((entry) => entry.state === state);
    const delayed = of('QUEUED').filter(({ dueAt }) => dueAt !== null && dueAt > Date.now()).length;
    return {
      ...{ waiting: of('QUEUED').length - delayed, delayed, active: of('SENDING').length },
      ...{ completed: of('SENT').length, failed: of('FAILED').length, unknown: of('UNKNOWN').length },
      ...{ bounced: of('BOUNCED').length, cancelled: of('CANCELLED').length },
    };
  }

  async oldestQueuedAt(): Promise<number | null> {
    return this.#entries.find(({ state }) => state === 'QUEUED')?.queuedAt ?? null;
  }

  async actOnEntries(ids: readonly string[], act: EntryAct, _by: string): Promise<readonly string[]> {
    const fit = this.#entries.filter(
      ({ id, state, hasContent }) =>
        ids.includes(id) && OF[act].includes(state) && (act !== 'retry' || hasContent),
    );
    const changed = fit.map(({ id }) => id);
    this.#change(changed, () => {
      if (act === 'retry') return { state: 'QUEUED', tries: 0, dueAt: null, settledAt: null };
      if (act === 'cancel') return { state: 'CANCELLED', dueAt: null };
      return act === 'markSent' ? { state: 'SENT' } : { recipient: null, subject: null, hasContent: false };
    });
    return changed;
  }

  async templates(): Promise<readonly Template[]> {
    return [...this.#templates.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  async template(name: string): Promise<Template | null> {
    return this.#templates.get(name) ?? null;
  }

  async saveTemplate(name: string, texts: TemplateTexts, by: string): Promise<Template> {
    const template = { name, ...texts, changedAt: Date.now(), changedBy: by };
    this.#templates.set(name, template);
    return template;
  }

  async removeTemplate(name: string, _by: string): Promise<boolean> {
    return this.#templates.delete(name);
  }

  async endpoints(): Promise<readonly Endpoint[]> {
    return this.#endpoints;
  }

  async saveEndpoint(endpoint: NewEndpoint, by: string): Promise<Endpoint> {
    const saved: Endpoint = {
      ...{ ...endpoint, id: this.#endpoints.length + 1, createdBy: by, createdAt: Date.now(), position: '1' },
      ...{ asideSince: null, asideReason: null, missedAt: null },
    };
    this.#endpoints = [...this.#endpoints, saved];
    return saved;
  }

  async setAside(id: number, reason: string): Promise<boolean> {
    return this.#changeEndpoint(id, { asideSince: Date.now(), asideReason: reason });
  }

  async takeBack(id: number): Promise<boolean> {
    return this.#changeEndpoint(id, { asideSince: null, asideReason: null, missedAt: Date.now() });
  }

  async removeEndpoint(name: string, _by: string): Promise<boolean> {
    const left = this.#endpoints.filter((endpoint) => endpoint.name !== name);
    const wasThere = left.length < this.#endpoints.length;
    this.#endpoints = left;
    return wasThere;
  }

  #changeEndpoint(id: number, change: Partial<Endpoint>): boolean {
    this.#endpoints = this.#endpoints.map((one) => (one.id === id ? { ...one, ...change } : one));
    return this.#endpoints.some((one) => one.id === id);
  }

  #change(ids: readonly string[], change: (entry: Entry) => Partial<Entry>): void {
    this.#entries = this.#entries.map((entry) =>
      ids.includes(entry.id) ? { ...entry, ...change(entry) } : entry,
    );
  }

  #found({ states, from, until, recipient, subject, event, workflowId, ...same }: EntryFilter): Entry[] {
    const has = (text: string | null, part: string | undefined): boolean =>
      part === undefined || (text ?? '').toLowerCase().includes(part.toLowerCase());
    return this.#entries
      .filter(({ state }) => states?.includes(state) ?? true)
      .filter(({ queuedAt }) => queuedAt >= (from ?? 0) && queuedAt < (until ?? Infinity))
      .filter((entry) => has(entry.recipient, recipient) && has(entry.subject, subject))
      .filter(({ origin }) => event === undefined || origin.event === event)
      .filter(({ origin }) => workflowId === undefined || origin.workflowId === workflowId)
      .filter((entry) => Object.entries(same).every(([name, value]) => entry[name as keyof Entry] === value))
      .toReversed();
  }
}
