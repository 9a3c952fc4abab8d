// Which steps a Run Once guards, as the workflow connects them: those between its first output and the steps where the way from
// its second output meets them. A step that is switched off lets everything pass, so no way begins or ends there; but n8n calls it,
// and what comes after it came from there.
// Invariant: what is guarded at least are the steps that the first output leads to; where the two ways do not meet, they alone.
import type { IExecuteFunctions } from 'n8n-workflow';
import { connectionsFrom, workflowNodes } from './internals';

/** The numbers of Run Once's outputs. */
export const FIRST_TIME = 0;
const ALREADY_DONE = 1;

export interface GuardedSteps {
  /** Those that the first output leads to. */
  readonly next: readonly string[];
  /** Those, and all others on the way to where the outputs meet; what is switched off among them, too. */
  readonly all: ReadonlySet<string>;
  /**
   * Whose outputs lead there, by step; null in the place of outputs: all. What these hand on is the answer. Null: there is none,
   * because nobody would be given it, or not everybody the same.
   */
  readonly handOn: ReadonlyMap<string, ReadonlySet<number> | null> | null;
  /** The step where the answer arrives, the first of them; null: the outputs never meet. */
  readonly meeting: string | null;
}

/** @returns null: n8n does not show how the steps are connected */
export function guardedSteps(context: IExecuteFunctions): GuardedSteps | null {
  const map = new WorkflowMap(context);
  const own = context.getNode().name;
  const next = map.after(own, FIRST_TIME);
  const done = map.after(own, ALREADY_DONE);
  const fromNext = map.reach(next, own, new Set());
  const meeting = [...map.reach(done, own, fromNext)].filter((step) => fromNext.has(step));
  const steps = meeting.length > 0 ? between(map, own, next, new Set(meeting)) : apart(next, done);
  return map.isShown ? { ...steps, all: map.withPassed(steps.all, own) } : null;
}

/** What comes after "Already done" is none of what comes after the step: it is given what the step handed on, to whomever. */
const apart = (next: readonly string[], done: readonly string[]): GuardedSteps => ({
  next,
  all: new Set(next),
  handOn: done.length > 0 ? new Map(next.map((step) => [step, null])) : null,
  meeting: null,
});

function between(
  map: WorkflowMap,
  own: string,
  next: readonly string[],
  meeting: ReadonlySet<string>,
): GuardedSteps {
  const first = next.filter((step) => !meeting.has(step));
  // Nothing stands between them: the step where they meet is what is done once.
  if (first.length === 0) return { next, all: new Set(next), handOn: null, meeting: null };
  const all = new Set([...first, ...map.leadingTo(meeting, map.reach(first, own, meeting))]);
  const arrivals = [...meeting].map((step) =>
    [own, ...all].flatMap((from) => {
      const outputs = map.ways(from).filter(({ to }) => to === step);
      const those = from === own ? outputs.filter(({ output }) => output === FIRST_TIME) : outputs;
      return those.map(({ output }) => ({ from, output }));
    }),
  );
  const isSame = new Set(arrivals.map((list) => JSON.stringify(list))).size === 1;
  return { next: first, all, handOn: isSame ? byStep(arrivals[0]!) : null, meeting: [...meeting][0]! };
}

function byStep(arrivals: readonly { from: string; output: number }[]): Map<string, Set<number>> {
  const found = new Map<string, Set<number>>();
  for (const { from, output } of arrivals) found.set(from, (found.get(from) ?? new Set()).add(output));
  return found;
}

interface Way {
  readonly output: number;
  readonly to: string;
  /** What is switched off on it. */
  readonly over: readonly string[];
}

class WorkflowMap {
  readonly #context: IExecuteFunctions;
  readonly #nodes: NonNullable<ReturnType<typeof workflowNodes>>;
  readonly #ways = new Map<string, readonly Way[]>();
  /** Whether n8n has shown all that was looked at. */
  isShown = true;

  constructor(context: IExecuteFunctions) {
    this.#context = context;
    this.#nodes = workflowNodes(context) ?? {};
  }

  /** Where the outputs of a step lead. */
  ways(from: string): readonly Way[] {
    const known = this.#ways.get(from);
    if (known) return known;
    const ways = this.#outputs(from).flatMap((_, output) =>
      this.#through(from, output).map((way) => ({ ...way, output })),
    );
    this.#ways.set(from, ways);
    return ways;
  }

  after(from: string, output: number): string[] {
    return [...new Set(this.#through(from, output).map(({ to }) => to))];
  }

  /** The steps, and those between them and Run Once that are switched off. */
  withPassed(steps: ReadonlySet<string>, own: string): ReadonlySet<string> {
    const ways = [...this.#through(own, FIRST_TIME), ...[...steps].flatMap((step) => this.ways(step))];
    return new Set([...steps, ...ways.flatMap(({ to, over }) => (steps.has(to) ? over : []))]);
  }

  /** The steps, and all that come after them; not after those that end it, nor after Run Once itself, which is none of them. */
  reach(steps: readonly string[], own: string, ends: ReadonlySet<string>): ReadonlySet<string> {
    const found = new Set<string>();
    const open = [...steps];
    for (let step = open.pop(); step !== undefined; step = open.pop()) {
      if (step === own || found.has(step)) continue;
      found.add(step);
      if (!ends.has(step)) open.push(...this.ways(step).map(({ to }) => to));
    }
    return found;
  }

  /** Those of the steps that lead to one of these ends, over others of them. */
  leadingTo(ends: ReadonlySet<string>, among: ReadonlySet<string>): ReadonlySet<string> {
    const steps = [...among].filter((step) => !ends.has(step));
    const found = new Set<string>();
    for (let before = -1; before < found.size;) {
      before = found.size;
      for (const step of steps)
        if (this.ways(step).some(({ to }) => ends.has(to) || found.has(to))) found.add(step);
    }
    return found;
  }

  #through(from: string, output: number, over: readonly string[] = []): Omit<Way, 'output'>[] {
    return (this.#outputs(from)[output] ?? []).flatMap(({ node }) => {
      if (!this.#nodes[node]?.disabled) return [{ to: node, over }];
      return over.includes(node) ? [] : this.#through(node, 0, [...over, node]);
    });
  }

  #outputs(from: string): readonly (readonly { readonly node: string }[] | null | undefined)[] {
    const connections = connectionsFrom(this.#context, from);
    if (!connections) this.isShown = false;
    return connections?.['main'] ?? [];
  }
}
