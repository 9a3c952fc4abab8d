// What n8n keeps of a run while it runs: the calls of each step, what came to them and what they handed on, and what is still to
// be done. n8n hands it to who hooks the end of a step; the way in which it is kept is n8n's own (IRunExecutionData).
// Invariant: what is not there, or has another shape, is nothing; nobody is told what was not seen.
import type { INodeExecutionData, IPairedItemData, ISourceData, ITaskData } from 'n8n-workflow';

/** One call of a step. */
export interface CallName {
  readonly step: string;
  /** Counts the calls of the step in this run, from 0. */
  readonly run: number;
}

/** An output of a call, from which items came. */
export interface Source extends CallName {
  readonly output: number;
}

type Task = Partial<ITaskData> | undefined;
type SourceList = readonly (Partial<ISourceData> | null)[] | null | undefined;

/** What n8n says of a call: whether it goes on with it, after the tools that it had asked for (an AI Agent). */
type Metadata = { readonly nodeWasResumed?: boolean } | null | undefined;

interface Kept {
  readonly resultData?: { readonly runData?: Readonly<Record<string, readonly Task[]>> };
  readonly executionData?: {
    readonly nodeExecutionStack?: readonly {
      readonly node?: { readonly name?: string };
      readonly source?: { readonly main?: SourceList } | null;
      readonly metadata?: Metadata;
    }[];
    readonly waitingExecutionSource?: Readonly<
      Record<string, Readonly<Record<string, { readonly main?: SourceList }>>>
    > | null;
  } | null;
}

/** An item is followed back over so many others at most: of a loop there may be thousands. */
const MOST_FOLLOWED = 100_000;

export class RunData {
  readonly #tasks: Readonly<Record<string, readonly Task[]>>;
  readonly #kept: Kept;

  private constructor(kept: Kept, tasks: Readonly<Record<string, readonly Task[]>>) {
    this.#kept = kept;
    this.#tasks = tasks;
  }

  /** @returns undefined: it is not shown */
  static of(data: unknown): RunData | undefined {
    const kept = data as Kept | null | undefined;
    const tasks = kept?.resultData?.runData;
    const stack = kept?.executionData?.nodeExecutionStack;
    return tasks && Array.isArray(stack) ? new RunData(kept, tasks) : undefined;
  }

  /** @param task the newest of the step */
  callOf(step: string, task: Task): StepCall | undefined {
    const calls = this.#calls(step);
    const found = calls.lastIndexOf(task);
    const run = found < 0 ? calls.length - 1 : found;
    return run < 0 ? undefined : { step, run, data: this };
  }

  /** Where the items came from that it was called with. */
  sourcesOf({ step, run }: CallName): readonly Source[] {
    return this.#sourcesOf(this.#calls(step)[run]);
  }

  /** How many outputs it has handed something to, or could have. */
  outputsOf({ step, run }: CallName): number {
    return this.#calls(step)[run]?.data?.['main']?.length ?? 0;
  }

  itemsOf({ step, run, output }: Source): readonly INodeExecutionData[] {
    return this.#calls(step)[run]?.data?.['main']?.[output] ?? [];
  }

  /** From where the calls of a step have got their items, and those get them that n8n is still to do, in their order. */
  arrivalsAt(step: string): readonly Source[] {
    const done = this.#calls(step).flatMap((task) => this.#sourcesOf(task));
    return [...done, ...this.due.filter((call) => call.step === step).flatMap(({ sources }) => sources)];
  }

  /** Steps that n8n is still to call, with what is there for them. */
  get due(): readonly { readonly step: string; readonly sources: readonly Source[] }[] {
    const { nodeExecutionStack: stack = [], waitingExecutionSource: waiting } =
      this.#kept.executionData ?? {};
    return [
      ...stack.map(({ node, source, metadata }) => ({
        step: node?.name ?? '',
        sources: this.#cameFrom(source?.main, metadata),
      })),
      ...Object.entries(waiting ?? {}).flatMap(([step, calls]) =>
        Object.values(calls).map(({ main }) => ({ step, sources: sourcesIn(main) })),
      ),
    ];
  }

  /**
   * The items of an output from which this one comes, as n8n links them.
   * @param isOnTheWay what comes over other outputs comes from elsewhere
   * @returns their places there; null: the link is lost on the way, or it comes from elsewhere alone
   */
  originsOf(
    source: Source,
    index: number,
    of: Source,
    isOnTheWay: (source: Source) => boolean,
  ): ReadonlySet<number> | null {
    const origins = new Set<number>();
    const seen = new Set<string>();
    const open = [{ source, index }];
    for (let next = open.pop(); next; next = open.pop()) {
      const { source: at, index: place } = next;
      const name = `${at.step}\0${at.run}\0${at.output}\0${place}`;
      if (seen.has(name)) continue;
      seen.add(name);
      if (seen.size > MOST_FOLLOWED) return null;
      if (isSame(at, of)) {
        origins.add(place);
        continue;
      }
      if (!isOnTheWay(at)) continue;
      const before = this.#before(at, place);
      if (!before) return null;
      open.push(...before);
    }
    return origins.size > 0 ? origins : null;
  }

  #before(at: Source, index: number): readonly { source: Source; index: number }[] | null {
    const paired = this.itemsOf(at)[index]?.pairedItem;
    if (paired === undefined) return null;
    const { source: sources, metadata } = this.#calls(at.step)[at.run] ?? {};
    const found = [paired].flat().map((one) => {
      const { item, input, sourceOverwrite }: IPairedItemData = typeof one === 'number' ? { item: one } : one;
      const [source] = sourceOverwrite
        ? sourcesIn([sourceOverwrite])
        : this.#cameFrom([sources?.[input ?? 0] ?? null], metadata);
      return source && { source, index: item };
    });
    const known = found.filter((one) => one !== undefined);
    return known.length > 0 && known.length === found.length ? known : null;
  }

  #sourcesOf(task: Task): readonly Source[] {
    return this.#cameFrom(task?.source, task?.metadata);
  }

  /** Of a call that it goes on with, n8n counts the calls of the step before as if they were its own: it is the newest one. */
  #cameFrom(list: SourceList, metadata: Metadata): readonly Source[] {
    const sources = sourcesIn(list);
    if (!metadata?.nodeWasResumed) return sources;
    return sources.map((source) => ({ ...source, run: Math.max(0, this.#calls(source.step).length - 1) }));
  }

  #calls(step: string): readonly Task[] {
    return Object.hasOwn(this.#tasks, step) ? this.#tasks[step]! : [];
  }
}

/** A call that has just ended, and the run that it is part of. */
export interface StepCall extends CallName {
  readonly data: RunData;
}

const sourcesIn = (list: SourceList): Source[] =>
  (list ?? []).flatMap((source) =>
    source?.previousNode === undefined
      ? []
      : {
          step: source.previousNode,
          run: source.previousNodeRun ?? 0,
          output: source.previousNodeOutput ?? 0,
        },
  );

const isSame = (one: Source, other: Source): boolean =>
  one.step === other.step && one.run === other.run && one.output === other.output;
