// One call of Run Once whose steps are being done: when all of them are, and what they handed on for each key.
// Invariants: it is done only when every step that its items reached has succeeded, and none of them is still due; an item belongs
// to a key only where n8n's item linking, or a key that is alone, leaves no doubt.
import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { FIRST_TIME, type GuardedSteps } from '../n8n/guarded-steps';
import type { CallName, RunData, Source, StepCall } from '../n8n/run-data';
import { type EndedStep, sayAnswersAreNotTold } from '../n8n/run-hooks';
import type { Answer, HandedItem } from './answer-form';

/** What the steps handed on for each key; a key that is not there: nobody can tell. */
type Answers = ReadonlyMap<string, Answer>;

/** After so many items n8n has a turn. */
const TURN_ITEMS = 1_000;

export class GuardedCall {
  /** Distinct: of the items at First time, in their order there. */
  readonly keys: readonly string[];
  /** No other call has it, in any run. */
  readonly #name = randomUUID();
  readonly #steps: GuardedSteps;
  /** Where its items went on. */
  readonly #origin: Source;
  readonly #called: CallName[] = [];
  readonly #names = new Set<string>();
  /** Where n8n does not show more than that a step has ended. */
  readonly #open: Set<string>;

  constructor(steps: GuardedSteps, runOnce: CallName, keys: readonly string[]) {
    this.keys = keys;
    this.#steps = steps;
    this.#origin = { ...runOnce, output: FIRST_TIME };
    this.#open = new Set(steps.next);
  }

  /** @returns 'done' after the last of its steps; 'failed': one has not succeeded, so that only the end of the run tells */
  ended({ name, succeeded, call }: EndedStep): 'open' | 'done' | 'failed' {
    if (!call) {
      if (succeeded) this.#open.delete(name);
      return this.#open.size > 0 ? 'open' : 'done';
    }
    if (this.#steps.all.has(name) && call.data.sourcesOf(call).some((source) => this.#isOurs(source))) {
      if (!succeeded) return 'failed';
      this.#called.push({ step: call.step, run: call.run });
      this.#names.add(nameOf(call));
    }
    // Also when another step has ended: of a step that gave n8n nothing at all (null), it does not tell that it has.
    const isDue = call.data.due.some(
      ({ step, sources }) => this.#steps.all.has(step) && sources.some((source) => this.#isOurs(source)),
    );
    return isDue ? 'open' : 'done';
  }

  /** Once it is done. @param call of the step that was the last @param mostItems with more of them nothing is looked at */
  async answers(call: StepCall | undefined, mostItems: number): Promise<Answers> {
    const { handOn } = this.#steps;
    if (!handOn) return new Map();
    if (!call) {
      sayAnswersAreNotTold();
      return new Map();
    }
    const handed = this.#handedOn(call.data, handOn);
    const count = handed.reduce((sum, source) => sum + call.data.itemsOf(source).length, 0);
    if (count > mostItems) return new Map();
    if (this.keys.length === 1) {
      const items = handed.flatMap((source) => call.data.itemsOf(source)).map((item, at) => ({ item, at }));
      return new Map([[this.keys[0]!, { call: this.#name, items }]]);
    }
    return this.#byKey(call.data, handed);
  }

  /** The outputs that the answer is made of, in the order in which they come to where it is given. */
  #handedOn(data: RunData, handOn: NonNullable<GuardedSteps['handOn']>): readonly Source[] {
    const handed = [this.#origin, ...this.#called].flatMap(({ step, run }) => {
      if (!handOn.has(step)) return [];
      const all = Array.from({ length: data.outputsOf({ step, run }) }, (_, output) => output);
      const outputs = handOn.get(step) ?? all;
      return all.filter((output) => new Set(outputs).has(output)).map((output) => ({ step, run, output }));
    });
    const { meeting } = this.#steps;
    if (handed.length < 2 || meeting === null) return handed;
    const arrived = data.arrivalsAt(meeting).map(outputName);
    const places = new Map(arrived.map((name, place) => [name, place]));
    const placeOf = (source: Source): number => places.get(outputName(source)) ?? arrived.length;
    return handed.sort((one, other) => placeOf(one) - placeOf(other));
  }

  async #byKey(data: RunData, handed: readonly Source[]): Promise<Answers> {
    let looked = 0;
    const found = new Map<string, HandedItem[]>(this.keys.map((key) => [key, []]));
    for (const source of handed) {
      for (const [index, item] of data.itemsOf(source).entries()) {
        const at = looked++;
        if (looked % TURN_ITEMS === 0) await setImmediate();
        const origins = data.originsOf(source, index, this.#origin, (one) => this.#isOurs(one));
        // It may be anybody's.
        if (!origins) return new Map();
        const keys = [...origins].map((place) => this.keys[place]);
        if (keys.length === 1) found.get(keys[0]!)?.push({ item, at });
        else for (const key of keys) found.delete(key!);
      }
    }
    return new Map([...found].map(([key, items]) => [key, { call: this.#name, items }]));
  }

  #isOurs(source: Source): boolean {
    const { step, run, output } = this.#origin;
    if (source.step === step && source.run === run) return source.output === output;
    return this.#names.has(nameOf(source));
  }
}

const nameOf = ({ step, run }: CallName): string => `${run}:${step}`;

const outputName = (source: Source): string => `${source.output}:${nameOf(source)}`;
