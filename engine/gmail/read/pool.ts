// Reads several at once, and hands out what was read in groups.
// Invariants: the memory it takes is bounded by a group and what is being read; what was read before one failed is
// handed out before that is thrown.
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
  for (;;) {
    const mayStart = (): boolean =>
      !failure && !signal.aborted && at < inputs.length && running.size < atOnce && bytes < mostBytes;
    while (mayStart() && items.length + running.size < mostItems) {
      const one: Promise<void> = start(inputs[at++]!).finally(() => running.delete(one));
      running.add(one);
    }
    if (running.size > 0) {
      await Promise.race(running);
      continue;
    }
    const isLast = at >= inputs.length;
    yield { items, isLast: isLast && !failure && !signal.aborted };
    if (failure) throw failure.error;
    if (isLast || signal.aborted) return;
    [items, bytes] = [[], 0];
  }
}
