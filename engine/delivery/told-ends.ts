// Runs of which n8n said, to the process that emitted them, that it is done with them. Their events have mostly been
// settled by the runs themselves; what they did not do is done here.
// Invariants: an event that nobody has claimed is released, so that it need not wait for its lease; one whose run is
// held by a living process is left to that process, for it alone knows whether n8n has started the run twice.
import { pointerName } from '../ledger/keys';
import type { Ledger } from '../ledger/ledger';
import type { Pointer } from '../ledger/pointer';
import type { Outcome } from '../ledger/runs';
import type { Whereabouts } from '../ledger/run-ends';

/** What n8n said. */
export interface ToldEnd {
  readonly outcome: Outcome;
  /**
   * No step after the trigger ran. A second run of the same mails, which finds that the first one has them, ends so,
   * and well: that says nothing of the first.
   */
  readonly wentNoFurther: boolean;
}

interface Told extends ToldEnd {
  readonly pointers: readonly Pointer[];
}

/** What was found out. */
export interface ToldResult {
  /** Runs that ended before they could claim anything, with what n8n said of each. */
  readonly unclaimed: readonly string[];
  /** Runs that had claimed their mails. */
  readonly claimed: number;
}

type TheLedger = Pick<Ledger, 'whereabouts' | 'release' | 'settle'>;

export class ToldEnds {
  readonly #ledger: TheLedger;
  #told: Told[] = [];

  constructor(ledger: TheLedger) {
    this.#ledger = ledger;
  }

  get isEmpty(): boolean {
    return this.#told.length === 0;
  }

  tell(pointers: readonly Pointer[], end: ToldEnd): void {
    this.#told.push({ ...end, pointers });
  }

  /**
   * One look at the ledger for all of them.
   * @param unrenewed runs that nobody renews: the process that ran them is gone, or lost their end
   * @throws LedgerFault: they are kept
   */
  async settle(unrenewed: ReadonlySet<string>): Promise<ToldResult> {
    const told = [...this.#told];
    if (told.length === 0) return { unclaimed: [], claimed: 0 };
    const events = told.flatMap(({ pointers }) => pointers.map(({ event }) => event));
    const found = await this.#ledger.whereabouts(events);
    const turns = told.map((end) => ({
      end,
      turns: end.pointers.map((pointer) => ({ pointer, turn: turnOf(pointer, end, found, unrenewed) })),
    }));
    const of = (wanted: Turn): [Told, Pointer][] =>
      turns.flatMap(({ end, turns: all }) =>
        all.filter(({ turn }) => turn === wanted).map(({ pointer }): [Told, Pointer] => [end, pointer]),
      );
    const unclaimed = await this.#release(of('release'));
    for (const [outcome, pointers] of grouped(of('settle'), ({ outcome }) => outcome)) {
      await this.#ledger.settle(pointers, outcome);
    }
    const waits = new Set(of('wait').map(([end]) => end));
    // What was told meanwhile stays.
    const over = new Set(told.filter((end) => !waits.has(end)));
    this.#told = this.#told.filter((end) => !over.has(end));
    const isClaim = ({ turn }: { turn: Turn }): boolean => ['settle', 'settled', 'wait'].includes(turn);
    return { unclaimed, claimed: turns.filter(({ turns: all }) => all.some(isClaim)).length };
  }

  async #release(asked: readonly [Told, Pointer][]): Promise<string[]> {
    const released = new Set<string>();
    for (const [error, pointers] of grouped(asked, unclaimedText)) {
      for (const pointer of await this.#ledger.release(pointers, error)) released.add(pointerName(pointer));
    }
    const runs = new Set(
      asked.filter(([, pointer]) => released.has(pointerName(pointer))).map(([end]) => end),
    );
    return [...runs].map(unclaimedText);
  }
}

/** What is said alike goes together. */
function grouped<T>(asked: readonly [Told, Pointer][], say: (end: Told) => T): [T, Pointer[]][] {
  const groups = new Map<string, [T, Pointer[]]>();
  for (const [end, pointer] of asked) {
    const said = say(end);
    const name = JSON.stringify(said);
    const group = groups.get(name) ?? [said, []];
    groups.set(name, group);
    group[1].push(pointer);
  }
  return [...groups.values()];
}

/** `gone`: the event has another attempt by now, or is not in the ledger any more. */
type Turn = 'release' | 'settle' | 'wait' | 'settled' | 'gone';

function turnOf(
  pointer: Pointer,
  { outcome, wentNoFurther }: ToldEnd,
  found: ReadonlyMap<string, Whereabouts>,
  unrenewed: ReadonlySet<string>,
): Turn {
  const now = found.get(pointer.event);
  if (now?.attempt !== pointer.attempt) return 'gone';
  if (now.state === 'QUEUED') return 'release';
  // It was released before.
  if (now.state === 'PENDING') return 'gone';
  if (now.state !== 'RUNNING') return 'settled';
  if (!now.endIsTold) return 'settle';
  // Nobody knows how it ended, and a lapse says so; but that it went well is known.
  const isLost = now.run !== null && unrenewed.has(now.run);
  return isLost && outcome.kind === 'success' && !wentNoFurther ? 'settle' : 'wait';
}

const unclaimedText = ({ outcome }: ToldEnd): string =>
  outcome.kind === 'failure' ? outcome.error : 'The run was ended before its first step took the mail.';
