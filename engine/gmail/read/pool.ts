// Reads several at once, and hands out what was read in groups.
// Invariants: the memory it takes is bounded by a group and what is being read; what was read before one failed is
// handed out before that is thrown; one that takes long does not hold up the others; nothing is read when it has ended.
import { pause } from '../../runtime/time';

/** What was read waits no longer than this for what is being read, ms. */
const LONGEST_WAIT_MS = 1_000;

export interface PoolLimits {
  readonly atOnce: number;
  readonly mostItems: number;
  /** Of a group; the items that are being read when it is full come on top. */
  readonly mostBytes: number;
}

export interface Group<T> {
  readonly items: readonly T[];
  readonly isLast: boolean;
}

/**
 * @param read null: there is nothing to hand out
 * @returns at least one group; the last one may be empty
 */
export async function* readInGroups<In, Out extends { readonly bytes: number }>(
  inputs: readonly In[],
  read: (input: In) => Promise<Out | null>,
  { atOnce, mostItems, mostBytes }: PoolLimits,
  signal: AbortSignal,
): AsyncGenerator<Group<Out>> {
  const running = new Set<Promise<void>>();
  let at = 0;
  let items: Out[] = [];
  let bytes = 0;
  let failure: { readonly error: unknown } | undefined;
  const start = async (input: In): Promise<void> => {
    try {
      const item = await read(input);
      if (item === null) return;
      items.push(item);
      bytes += item.bytes;
    } catch (error) {
      failure ??= { error };
    }
  };
  const mayStart = (): boolean =>
    !failure && !signal.aborted && at < inputs.length && running.size < atOnce && bytes < mostBytes;
  try {
    for (;;) {
      while (mayStart() && items.length + running.size < mostItems) {
        const one: Promise<void> = start(inputs[at++]!).finally(() => running.delete(one));
        running.add(one);
      }
      if (running.size > 0 && !(await lingers(running, items.length > 0))) continue;
      const isEnd = running.size === 0;
      const isLast = isEnd && at >= inputs.length;
      const group = { items, isLast: isLast && !failure && !signal.aborted };
      [items, bytes] = [[], 0];
      yield group;
      if (!isEnd) continue;
      if (failure) throw failure.error;
      if (isLast || signal.aborted) return;
    }
  } finally {
    await Promise.all(running);
  }
}

/** @returns whether none of them ended for so long that the others should go ahead */
async function lingers(running: ReadonlySet<Promise<void>>, somethingWaits: boolean): Promise<boolean> {
  if (!somethingWaits) {
    await Promise.race(running);
    return false;
  }
  const stop = new AbortController();
  const waited = pause(LONGEST_WAIT_MS, stop.signal).then(() => true);
  try {
    return await Promise.race([waited, ...[...running].map((one) => one.then(() => false))]);
  } finally {
    stop.abort();
  }
}
