// An outbox in memory, as far as sending takes it, held to the port's text (engine/ledger/outbox.ts): entries, leases, fences, limits
// and rests of lanes. Its clock goes by itself, and can be moved on; it can be away.
import type { OutboxLedger } from '../../engine/outbox/ports';
import type {
  DueEntry,
  Entry,
  EntryOutcome,
  EntryRef,
  EntryState,
  NewEntry,
  TakeEntries,
} from '../../engine/ledger/outbox';

interface Row extends NewEntry {
  readonly id: string;
  state: EntryState;
  fence: number;
  tries: number;
  refusals: number;
  looks: number;
  isHanded: boolean;
  mayHaveArrived: boolean;
  dueAt: number | null;
  leaseUntil: number | null;
  readonly queuedAt: number;
  begunAt: number | null;
  lastError: string | null;
  lastAnswer: string | null;
}

export class MemoryOutbox implements OutboxLedger {
  readonly rows: Row[] = [];
  readonly #rests = new Map<string, number>();
  readonly #begun: { readonly lane: string; readonly at: number }[] = [];
  #movedMs = 0;
  isAway = false;
  /** How often each was asked. */
  readonly asked = new Map<string, number>();

  #now = (): number => performance.now() + this.#movedMs;

  moveOn(ms: number): void {
    this.#movedMs += ms;
  }

  enqueue(entries: readonly (Partial<NewEntry> & { readonly key: string })[]): readonly string[] {
    return entries.map((entry) => {
      const row: Row = {
        ...{ kind: 'mail', lane: 'smtp:a', request: {}, content: Buffer.from(entry.key), recipient: 'ann' },
        ...{ subject: null, messageId: null, repeats: false, keepMs: 1_000 },
        origin: { workflowId: null, nodeId: null, nodeName: null, event: null },
        ...entry,
        ...{
          id: `id-${entry.key}`,
          state: 'QUEUED',
          fence: 0,
          tries: 0,
          refusals: 0,
          looks: 0,
          isHanded: false,
          mayHaveArrived: false,
        },
        ...{ dueAt: this.#now(), leaseUntil: null, queuedAt: this.#now(), begunAt: null },
        ...{ lastError: null, lastAnswer: null },
      };
      this.rows.push(row);
      return row.id;
    });
  }

  of(id: string): Row {
    return this.rows.find((row) => row.id === id)!;
  }

  /** Their leases run out now, and whoever asks takes them. */
  lapse(ids: readonly string[]): void {
    for (const id of ids) this.of(id).leaseUntil = this.#now() - 1;
  }

  async dueLanes(limit: number): Promise<readonly { lane: string; kind: string }[]> {
    this.#ask('dueLanes');
    const due = this.rows.filter((row) => this.#at(row) <= this.#now());
    const lanes = new Map(due.sort((a, b) => this.#at(a) - this.#at(b)).map((row) => [row.lane, row.kind]));
    return [...lanes].map(([lane, kind]) => ({ lane, kind })).slice(0, limit);
  }

  async nextDue(): Promise<number | null> {
    this.#ask('nextDue');
    const next = Math.min(...this.rows.map((row) => this.#at(row)));
    return next === Infinity ? null : Math.max(0, next - this.#now());
  }

  async firstOf(lane: string): Promise<Row | null> {
    this.#ask('firstOf');
    const waiting = this.rows.filter((row) => row.lane === lane && (row.dueAt ?? row.leaseUntil) !== null);
    return waiting.sort((a, b) => (a.dueAt ?? Infinity) - (b.dueAt ?? Infinity))[0] ?? null;
  }

  async takeEntries(request: TakeEntries): Promise<readonly DueEntry[]> {
    this.#ask('takeEntries');
    const { of } = request;
    const named = this.rows.filter((row) => ('lane' in of ? row.lane === of.lane : of.ids.includes(row.id)));
    for (const row of named) if ((row.leaseUntil ?? Infinity) <= this.#now()) this.#lapse(row);
    const due = named.filter((row) => row.dueAt !== null && this.#at(row) <= this.#now());
    due.sort((a, b) => Number(b.state === 'UNKNOWN') - Number(a.state === 'UNKNOWN') || a.dueAt! - b.dueAt!);
    let bytes = 0;
    const taken: DueEntry[] = [];
    for (const row of due) {
      bytes += row.content.length;
      if (taken.length >= request.limit || (taken.length > 0 && bytes > (request.mostBytes ?? Infinity)))
        break;
      if (row.state === 'QUEUED' && !this.#hasPlace(row.lane, request)) continue;
      taken.push(this.#take(row, request.leaseMs));
    }
    return taken;
  }

  async renewEntries(refs: readonly EntryRef[], leaseMs: number): Promise<readonly EntryRef[]> {
    this.#ask('renewEntries');
    const theirs = refs.filter((ref) => this.#isTheirs(ref));
    for (const { id } of theirs) this.of(id).leaseUntil = this.#now() + leaseMs;
    return theirs;
  }

  async handOver(ref: EntryRef): Promise<boolean> {
    this.#ask('handOver');
    if (!this.#isTheirs(ref) || this.of(ref.id).state !== 'SENDING') return false;
    this.of(ref.id).isHanded = true;
    return true;
  }

  async settleEntries(
    settled: readonly (EntryRef & { outcome: EntryOutcome })[],
  ): Promise<readonly EntryRef[]> {
    this.#ask('settleEntries');
    const theirs = settled.filter((ref) => this.#isTheirs(ref));
    for (const { id, outcome } of theirs) this.#settle(this.of(id), outcome);
    return theirs;
  }

  async noteArrived({ id, fence }: EntryRef, answer: string): Promise<boolean> {
    this.#ask('noteArrived');
    const row = this.of(id);
    if (row.fence - row.looks !== fence || !['UNKNOWN', 'QUEUED'].includes(row.state)) return false;
    Object.assign(row, { state: 'SENT', dueAt: null, leaseUntil: null, lastError: null, lastAnswer: answer });
    return true;
  }

  async restLane(lane: string, delayMs: number): Promise<void> {
    this.#ask('restLane');
    this.#rests.set(lane, Math.max(this.#rests.get(lane) ?? 0, this.#now() + delayMs));
  }

  async entriesOf(
    names: { ids: readonly string[] } | { keys: readonly string[] },
  ): Promise<readonly Entry[]> {
    this.#ask('entriesOf');
    const isNamed = (row: Row): boolean =>
      'ids' in names ? names.ids.includes(row.id) : names.keys.includes(row.key);
    return this.rows
      .filter(isNamed)
      .map((row) => ({ ...row, settledAt: null, hasContent: true, restsUntil: null }));
  }

  #ask(what: string): void {
    this.asked.set(what, (this.asked.get(what) ?? 0) + 1);
    if (this.isAway) throw new Error('The ledger is away');
  }

  /** When somebody has something to do with it. */
  #at({ lane, dueAt, leaseUntil }: Row): number {
    const at = Math.min(dueAt ?? Infinity, leaseUntil ?? Infinity);
    return Math.max(at, this.#rests.get(lane) ?? 0);
  }

  #hasPlace(lane: string, { mostAtOnce, mostAMinute }: TakeEntries): boolean {
    const sending = this.rows.filter((row) => row.lane === lane && row.state === 'SENDING').length;
    const begun = this.#begun.filter(({ lane: of, at }) => of === lane && at > this.#now() - 60_000).length;
    return sending < mostAtOnce && (mostAMinute === null || begun < mostAMinute);
  }

  #lapse(row: Row): void {
    const isInDoubt = row.state === 'UNKNOWN' || (row.isHanded && !row.repeats);
    row.mayHaveArrived ||= isInDoubt;
    Object.assign(row, { state: isInDoubt ? 'UNKNOWN' : 'QUEUED', isHanded: false });
    Object.assign(row, {
      dueAt: this.#now(),
      leaseUntil: null,
      lastError: 'The process that sent it stopped.',
    });
  }

  #take(row: Row, leaseMs: number): DueEntry {
    const isSent = row.state === 'QUEUED';
    row.fence++;
    if (isSent) row.tries++;
    else row.looks++;
    if (isSent) this.#begun.push({ lane: row.lane, at: this.#now() });
    Object.assign(row, { dueAt: null, leaseUntil: this.#now() + leaseMs, begunAt: this.#now() });
    row.state = isSent ? 'SENDING' : 'UNKNOWN';
    const { state, looks, tries } = row;
    return {
      ...row,
      content: Buffer.from(row.content),
      state: state === 'SENDING' ? state : 'UNKNOWN',
      tries: state === 'SENDING' ? tries : looks,
      ageMs: this.#now() - row.queuedAt,
    };
  }

  #isTheirs({ id, fence }: EntryRef): boolean {
    const row = this.of(id);
    return row.fence === fence && row.leaseUntil !== null;
  }

  #settle(row: Row, outcome: EntryOutcome): void {
    const isReturned = outcome.became === 'QUEUED' && outcome.isReturned === true;
    if (isReturned && row.state === 'SENDING') row.tries--;
    if (outcome.became === 'QUEUED' && outcome.isRefusal === true && row.state === 'SENDING') row.refusals++;
    if (outcome.became !== 'UNKNOWN' && !isReturned) row.looks = 0;
    const mayHaveArrived =
      outcome.became === 'UNKNOWN' || (outcome.became === 'QUEUED' && outcome.mayHaveArrived);
    row.mayHaveArrived = !row.repeats && (mayHaveArrived ?? row.mayHaveArrived);
    const delayMs = outcome.became === 'QUEUED' ? outcome.delayMs : null;
    const afterMs = outcome.became === 'UNKNOWN' ? outcome.lookAfterMs : delayMs;
    row.state = isReturned && row.state === 'UNKNOWN' ? 'UNKNOWN' : outcome.became;
    Object.assign(row, { isHanded: false, leaseUntil: null });
    row.dueAt = afterMs === null ? null : this.#now() + afterMs;
    row.lastError = 'error' in outcome ? outcome.error : null;
    row.lastAnswer = ('answer' in outcome ? outcome.answer : undefined) ?? row.lastAnswer;
  }
}
