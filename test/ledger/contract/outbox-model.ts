// What an entry's life should be, step by step: the states of the port (engine/ledger/outbox.ts) as a pure function of what
// happens. It knows nothing of databases; outbox-life.ts holds the ledger against it.
// Which of several that are due is taken is the ledger's: the model says how many, and of which.
import assert from 'node:assert/strict';
import type { DueEntry, EntryAct, EntryRef, EntryState } from '../../../engine/ledger/outbox';

export type Said =
  | ('sent' | 'failed' | 'again' | 'refused' | 'returned' | 'in doubt' | 'to be looked for')
  | ('again, in doubt' | 'not there, again');

export interface ModelEntry {
  state: EntryState;
  fence: number;
  tries: number;
  refusals: number;
  looks: number;
  handed: boolean;
  /** Some try may have arrived, and nothing is known of it. */
  doubted: boolean;
  due: 'now' | 'later' | null;
  lease: 'held' | 'lapsed' | null;
}

export class OutboxModel {
  readonly entries = new Map<string, ModelEntry>();
  readonly #forgotten = new Set<string>();
  /** Of these it is not known that nothing arrived. */
  readonly #mayHaveArrived = new Set<string>();
  readonly #repeats: (id: string) => boolean;

  constructor(repeats: (id: string) => boolean) {
    this.#repeats = repeats;
  }

  queued(id: string): void {
    const fresh = { fence: 0, tries: 0, refusals: 0, looks: 0, handed: false, doubted: false } as const;
    this.entries.set(id, { ...fresh, lease: null, state: 'QUEUED', due: 'now' });
  }

  leasesRunOut(): void {
    for (const entry of this.entries.values()) if (entry.lease) entry.lease = 'lapsed';
  }

  timePasses(): void {
    for (const entry of this.entries.values()) if (entry.due) entry.due = 'now';
  }

  /** Holds what was taken against what might be, of those that were asked for, and takes it. */
  take(
    taken: readonly Pick<DueEntry, 'id' | 'fence' | 'state' | 'tries' | 'refusals' | 'mayHaveArrived'>[],
    asked: { readonly ids: readonly string[]; readonly limit: number; readonly mostAtOnce: number },
  ): void {
    for (const id of asked.ids) this.#lapse(id);
    const due = asked.ids.filter((id) => this.entries.get(id)!.due === 'now');
    const doubted = due.filter((id) => this.#of(id).state === 'UNKNOWN');
    const queued = due.filter((id) => this.#of(id).state === 'QUEUED');
    const sending = [...this.entries.values()].filter(({ state }) => state === 'SENDING').length;
    const looked = Math.min(doubted.length, asked.limit);
    const begun = Math.max(0, Math.min(queued.length, asked.limit - looked, asked.mostAtOnce - sending));
    const of = (state: string): string[] => taken.filter((one) => one.state === state).map(({ id }) => id);
    assert.deepEqual([of('UNKNOWN').length, of('SENDING').length], [looked, begun], 'how many are taken');
    assert.ok(
      of('UNKNOWN').every((id) => doubted.includes(id)),
      'looked for',
    );
    assert.ok(
      of('SENDING').every((id) => queued.includes(id)),
      'begun',
    );
    for (const { id, fence, state, tries, refusals, mayHaveArrived } of taken) {
      const entry = this.#of(id);
      if (state === 'SENDING' && !this.#repeats(id))
        assert.ok(!this.#mayHaveArrived.has(id), `${id} may have arrived, and is sent again`);
      if (entry.state === 'QUEUED') {
        entry.state = 'SENDING';
        entry.tries++;
      } else entry.looks++;
      Object.assign(entry, { fence: entry.fence + 1, due: null, lease: 'held' });
      const begun = state === 'SENDING' ? entry.tries : entry.looks;
      assert.deepEqual(
        [fence, tries, refusals, mayHaveArrived],
        [entry.fence, begun, entry.refusals, entry.doubted],
      );
    }
  }

  /** @returns whether it is theirs */
  handOver(ref: EntryRef): boolean {
    const entry = this.#of(ref.id);
    if (entry.fence !== ref.fence || entry.state !== 'SENDING') return false;
    Object.assign(entry, { handed: true, lease: 'held' });
    this.#mayHaveArrived.add(ref.id);
    return true;
  }

  /** @returns whether it is theirs */
  renew(ref: EntryRef): boolean {
    const entry = this.#of(ref.id);
    if (entry.fence !== ref.fence || entry.lease === null) return false;
    entry.lease = 'held';
    return true;
  }

  /** @returns whether it is theirs */
  settle(ref: EntryRef, said: Said): boolean {
    const entry = this.#of(ref.id);
    if (entry.fence !== ref.fence || entry.lease === null) return false;
    const wasDoubted = entry.state === 'UNKNOWN';
    Object.assign(entry, { lease: null, handed: false, due: null });
    if (said === 'returned') {
      entry.due = 'later';
      if (!wasDoubted) {
        entry.state = 'QUEUED';
        entry.tries--;
        this.#mayHaveArrived.delete(ref.id);
      }
      return true;
    }
    const isInDoubt = ['in doubt', 'to be looked for', 'again, in doubt'].includes(said);
    if (isInDoubt && !this.#repeats(ref.id)) entry.doubted = true;
    if (said === 'not there, again') entry.doubted = false;
    const isAgain = !['sent', 'failed', 'in doubt', 'to be looked for'].includes(said);
    if (isAgain || said === 'failed') this.#mayHaveArrived.delete(ref.id);
    if (said === 'refused' && !wasDoubted) entry.refusals++;
    if (isAgain) Object.assign(entry, { state: 'QUEUED', due: 'later', looks: 0 });
    if (said === 'sent') Object.assign(entry, { state: 'SENT', looks: 0 });
    if (said === 'failed') Object.assign(entry, { state: 'FAILED', looks: 0 });
    if (said === 'in doubt') entry.state = 'UNKNOWN';
    if (said === 'to be looked for') Object.assign(entry, { state: 'UNKNOWN', due: 'later' });
    return true;
  }

  /** @returns whether anything became of it */
  act(id: string, act: EntryAct): boolean {
    const entry = this.#of(id);
    const { state } = entry;
    if (act === 'retry' && state === 'QUEUED') {
      entry.due = 'now';
      return true;
    }
    const fits: Readonly<Record<EntryAct, readonly EntryState[]>> = {
      retry: ['FAILED', 'UNKNOWN', 'CANCELLED', 'BOUNCED'],
      cancel: ['QUEUED', 'UNKNOWN', 'FAILED'],
      markSent: ['UNKNOWN'],
      forget: ['SENT', 'FAILED', 'UNKNOWN', 'BOUNCED', 'CANCELLED'],
    };
    if (!fits[act].includes(state)) return false;
    if (this.#forgotten.has(id) && (act === 'retry' || act === 'forget')) return false;
    Object.assign(entry, { due: null, lease: null });
    if (act === 'retry') {
      Object.assign(entry, { state: 'QUEUED', tries: 0, refusals: 0, looks: 0, due: 'now' });
      this.#mayHaveArrived.delete(id);
    }
    if (act === 'cancel') entry.state = 'CANCELLED';
    if (act === 'markSent') entry.state = 'SENT';
    if (act === 'forget') this.#forgotten.add(id);
    return true;
  }

  /** @returns whether anything became of it */
  bounce(id: string): boolean {
    const entry = this.#of(id);
    const isHanded = entry.state === 'SENDING' && entry.handed;
    if (entry.state !== 'SENT' && entry.state !== 'UNKNOWN' && !isHanded) return false;
    Object.assign(entry, { state: 'BOUNCED', due: null, lease: null, handed: false, doubted: false });
    return true;
  }

  #lapse(id: string): void {
    const entry = this.#of(id);
    if (entry.lease !== 'lapsed') return;
    if (entry.state === 'SENDING') {
      const isInDoubt = entry.handed && !this.#repeats(id);
      entry.state = isInDoubt ? 'UNKNOWN' : 'QUEUED';
      entry.doubted ||= isInDoubt;
      entry.looks = 0;
    }
    Object.assign(entry, { lease: null, handed: false, due: 'now' });
  }

  readonly #of = (id: string): ModelEntry => this.entries.get(id)!;
}
