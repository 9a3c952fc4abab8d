// What a trigger that listens knows of its mail ledger beside that ledger: which one it is, and until when its sources
// were read. Where n8n remembers another ledger, which is lost or was changed, reading begins at the last moment known.
// Invariant: one loss is told once, and n8n remembers the new ledger only when the trigger has its place in its mail.
import type { ITriggerFunctions } from 'n8n-workflow';
import { sourceName } from '../../../engine/ledger/keys';
import type { Ledger } from '../../../engine/ledger/ledger';
import type { SourceKey } from '../../../engine/ledger/sources';
import type { Subscription } from '../../../engine/ledger/subscriptions';
import { CLOCK_MARGIN_MS } from '../../../engine/runtime/time';
import type { BeginsSomewhere, Listening } from './collector';
import { type Memory, recall, remember } from '../store/memory';
import type { Telling } from './telling';

export class LostLedger {
  readonly #context: ITriggerFunctions;
  readonly #telling: Telling;
  /** Names of all that the trigger listens to, and when each was last read to its end. */
  readonly #sources = new Set<string>();
  readonly #syncedAt = new Map<string, number>();
  #ledger: { readonly id: string; readonly place: string } | null = null;
  /** What n8n remembered when the trigger was started, then what it was given to remember. */
  #memory: Memory | null;
  #isTold = false;

  constructor(context: ITriggerFunctions, telling: Telling) {
    this.#context = context;
    this.#telling = telling;
    this.#memory = recall(context);
  }

  /** The trigger's ledger has been opened, once at least. */
  get wasOpened(): boolean {
    return this.#ledger !== null;
  }

  /** This is the trigger's ledger from now on. */
  async opened(ledger: Pick<Ledger, 'ledgerId' | 'place'>): Promise<void> {
    this.#ledger = { id: await ledger.ledgerId(), place: ledger.place };
  }

  /** All that the source has is recorded, at this moment. */
  synced(source: SourceKey): void {
    this.#syncedAt.set(sourceName(source), Date.now());
  }

  /** To be called before the trigger has started (store/memory.ts): it has its place in its mail. @param now ms since 1970 */
  placed(now: number): void {
    if (!this.#ledger) return;
    const { id: ledgerId, place } = this.#ledger;
    // What was watched before and is not read yet is known until then.
    const isRead = [...this.#sources].every((name) => this.#syncedAt.has(name));
    const at = isRead ? now : (this.#memory?.at ?? now);
    this.#memory = { ledgerId, place, at, sources: [...this.#sources] };
    this.#isTold = false;
    remember(this.#context, this.#memory);
  }

  /** Where n8n remembers the source and the ledger does not, its reading begins at the last moment known. */
  begins<Login, Reading extends BeginsSomewhere>(
    subscription: Subscription,
    listening: Listening<Login, Reading>,
    source: SourceKey,
  ): Listening<Login, Reading> {
    const name = sourceName(source);
    this.#sources.add(name);
    const memory = this.#memory;
    if (!memory || !this.#ledger || memory.ledgerId === this.#ledger.id) return listening;
    const wasWatched = memory.sources.length === 0 || memory.sources.includes(name);
    if (subscription.cursor !== null || !wasWatched) return listening;
    if (!this.#isTold) this.#telling.ledgerLost(this.#ledger.place, memory, listening.reading.skipWhileOff);
    this.#isTold = true;
    if (listening.reading.skipWhileOff) return listening;
    const at = (this.#syncedAt.get(name) ?? memory.at) - CLOCK_MARGIN_MS;
    const start = { kind: 'since', at } as const;
    return { ...listening, reading: { ...listening.reading, start } };
  }
}
