// A ledger's changes in memory: positions are numbers, of which the oldest may be forgotten; some may be late, and what comes
// after them with them, as on Postgres.
import type { Change, ChangeFilter, ChangePage, ChangeType } from '../../../engine/ledger/changes';
import type { EventState } from '../../../engine/ledger/states';

const BEGIN = 1_700_000_000_000;

export class FakeLedger {
  readonly all: Change[] = [];
  readonly calls = { changes: 0, changePositions: 0, statistics: 0, changeAt: 0, mailsOf: 0 };
  /** What is before it was forgotten. */
  oldest = 0;
  /** So many are certain; null: all. */
  certain: number | null = null;
  fault: Error | null = null;
  /** What each call waits for before it looks, and its answer on its way. */
  slowness: () => Promise<void> = () => Promise.resolve();
  statisticsTake: () => Promise<void> = () => Promise.resolve();

  add(type: ChangeType = 'email.new', more: Partial<Change> = {}): Change {
    const number = this.all.length + 1;
    const change: Change = {
      position: String(number),
      ...{ type, at: BEGIN + number, sourceId: 1, event: `e${number}`, workflowId: 'w', details: {} },
      ...more,
    };
    this.all.push(change);
    return change;
  }

  readonly changes = async (
    after: string,
    limit: number,
    filter: ChangeFilter = {},
  ): Promise<ChangePage | 'reset'> => {
    await this.#called('changes');
    const from = Number(after);
    const until = this.certain ?? this.all.length;
    if (!/^\d+$/.test(after) || from < this.oldest || from > until) return 'reset';
    const looked = this.all.slice(from, Math.min(until, from + limit));
    const more = from + looked.length < until;
    await this.slowness();
    const { types, sourceId, workflowId } = filter;
    return {
      changes: looked.filter(
        (one) =>
          (types === undefined || types.includes(one.type)) &&
          (sourceId === undefined || one.sourceId === sourceId) &&
          (workflowId === undefined || one.workflowId === workflowId),
      ),
      position: looked.at(-1)?.position ?? after,
      more,
    };
  };

  readonly changePositions = async (): Promise<{ oldest: string; newest: string }> => {
    await this.#called('changePositions');
    return { oldest: String(this.oldest), newest: String(this.certain ?? this.all.length) };
  };

  readonly changeAt = async (at: number): Promise<string> => {
    await this.#called('changeAt');
    const first = this.all.findIndex((change) => change.at >= at);
    return String(Math.max(this.oldest, first < 0 ? this.all.length : first));
  };

  readonly statistics = async (): Promise<Record<EventState, number>> => {
    await this.#called('statistics');
    await this.statisticsTake();
    return { PENDING: 1, QUEUED: 2, RUNNING: 3, RETRY: 4, DONE: 5, DEAD: 6, GONE: 7, UNKNOWN: 8 };
  };

  async #called(call: keyof FakeLedger['calls']): Promise<void> {
    this.calls[call]++;
    await this.slowness();
    if (this.fault) throw this.fault;
  }
}
