// The keys that one execution holds for its Run Once nodes: taking them, waiting for those that another run holds,
// giving back what was not used, and ending them when the execution ends; and what the guarded steps answered, which is stored with
// the key that it finishes.
// Invariant: a key that this execution took is finished or freed at its end, or its lease runs out; a key that was
// given back was never used.
import { randomUUID } from 'node:crypto';
import type { IExecuteFunctions, IRun } from 'n8n-workflow';
import type { KeyAnswer, KeyRequest, OnceKeys, SeenKey, StepAnswer } from '../../../engine/ledger/once-keys';
import { RUNNING_LEASE_MS, type Runs } from '../../../engine/delivery/runs';
import { Unrenewed } from '../../../engine/delivery/unrenewed';
import { errorText } from '../../../engine/runtime/log';
import { persist } from '../../../engine/runtime/persist';
import { monotonicNow, pause } from '../../../engine/runtime/time';

import type { GuardedSteps } from '../n8n/guarded-steps';
import { log } from '../n8n/log';
import { type EndedStep, onStepEnd, sayStepsAreNotTold, watchRun } from '../n8n/run-hooks';
import { type Answer, type Files, packAnswer, unpackAnswer } from './answer-form';
import { outcomeOf } from './end';
import { GuardedCall } from './guarded-call';
import { warnOnce } from '../n8n/weaker';

/** What goes to the ledger in one request. */
const BATCH = 500;
/** Answers are asked for so many bytes at a time, as they are stored. */
const ANSWERS_BYTES = 8 * 1024 * 1024;
/** A held key is asked for again and again, ever more slowly. */
const ASK_AGAIN = { firstMs: 1_000, mostMs: 5_000 };

export interface OnceStore {
  readonly ledger: OnceKeys;
  readonly runs: Pick<Runs, 'hold' | 'release'>;
}

export interface OnceCall extends Pick<KeyRequest, 'keys' | 'finish' | 'keepMs'> {
  readonly nodeId: string;
  /** A call with the index of the call before is the same call: n8n tries the node again. */
  readonly runIndex: number;
  /** How long to wait for a key that another run holds, ms; it may be Infinity. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** What an item takes at least, in bytes: `{"json":{}}`. */
const ITEM_BYTES = 11;

/** What is to be kept of what the guarded steps answer. */
export interface Remembering {
  /** Whose answers these are: the workflow and the node. */
  readonly of: string;
  /** Of all that one call's steps hand on, in bytes before they are compressed. */
  readonly mostBytes: number;
  /** The event that a key's item comes from; null: it comes from no mail. Undefined: nobody can tell, so it is not kept. */
  readonly eventOf: (key: string) => string | null | undefined;
  readonly files: Files;
}

/** One call of a Run Once node, and the keys of its items at First time, in their order there. */
export interface FirstTime extends Pick<OnceCall, 'nodeId' | 'runIndex'> {
  /** As the workflow names it. */
  readonly name: string;
  readonly keys: readonly string[];
  /** Null: nothing is. */
  readonly remembering: Remembering | null;
}

/** Executions under way, for each store of this process. */
const executions = new WeakMap<OnceStore['runs'], Map<string, OnceKeeper>>();

/** The keeper of this execution's keys, the same for all its Run Once nodes until it ends or waits. */
export function onceKeeper(context: IExecuteFunctions, store: OnceStore): OnceKeeper {
  const executionId = context.getExecutionId();
  let keepers = executions.get(store.runs);
  if (!keepers) executions.set(store.runs, (keepers = new Map<string, OnceKeeper>()));
  const known = keepers.get(executionId);
  if (known) return known;
  // n8n may begin an execution again under its id, after a crash: what the first one held is not this one's.
  const keeper = new OnceKeeper(store, `${context.getInstanceId()}:${executionId}:${randomUUID()}`);
  const { endIsTold, isAlive } = watchRun(context, async (run) => {
    keepers.delete(executionId);
    await keeper.end(run);
    return false;
  });
  if (endIsTold) {
    keeper.lives(isAlive);
    keepers.set(executionId, keeper);
    if (!onStepEnd(context, (step) => keeper.stepEnded(step))) keeper.finishWithRun();
  } else {
    keeper.finishAtOnce();
  }
  return keeper;
}

export class OnceKeeper {
  readonly #ledger: OnceKeys;
  readonly #runs: OnceStore['runs'];
  readonly #holder: string;
  #isAlive = (): boolean => true;
  #endIsTold = true;
  #stepsAreTold = true;
  /** What this execution took, and in which call: a call that n8n tries again must not find it done by itself. */
  readonly #taken = new Map<string, string>();
  /** By call: what is finished when its steps are done, and what is kept of them. */
  readonly #guarded = new Map<string, readonly [GuardedCall, Remembering | null]>();
  /** Keys whose answers this execution was given. */
  readonly #given = new Set<string>();
  /** Keys that are being finished: the end of the run waits for it. */
  #finishing: Promise<void> = Promise.resolve();
  /** Keys to be given back: it failed, or nobody knows whether they were taken at all. */
  readonly #unused = new Set<string>();

  constructor(store: OnceStore, holder: string) {
    this.#ledger = store.ledger;
    this.#runs = store.runs;
    this.#holder = holder;
  }

  /** Its keys are kept for as long as the execution is there. */
  lives(isAlive: () => boolean): void {
    this.#isAlive = isAlive;
  }

  /** Nobody will tell how the run ended: a step too few rather than one done twice. */
  finishAtOnce(): void {
    this.#endIsTold = false;
    warnOnce(
      'This n8n does not tell a node how its run ended. The keys of Run Once are finished at once: after a run ' +
        'that failed, the step is not done again',
    );
  }

  /** Nobody will tell which steps have succeeded. */
  finishWithRun(): void {
    this.#stepsAreTold = false;
  }

  /**
   * Takes the keys, and waits for those that are held. Rejects with none of them taken.
   * @returns the answer of each; `mine` is left for what an earlier call of this execution took
   */
  async take(call: OnceCall): Promise<ReadonlyMap<string, KeyAnswer>> {
    const finish = this.#endIsTold ? call.finish : 'atOnce';
    if (finish !== 'atOnce') this.#runs.hold(this.#holder, this.#isAlive);
    const answers = new Map<string, KeyAnswer>();
    let answered = false;
    try {
      const began = monotonicNow();
      const unrenewed = new Unrenewed();
      let open = call.keys;
      for (let waitMs = ASK_AGAIN.firstMs; ; waitMs = Math.min(waitMs * 1.5, ASK_AGAIN.mostMs)) {
        const seen = unrenewed.leases().map(({ run, until }) => ({ key: run, until }));
        await this.#ask({ ...call, finish, keys: open }, answers, seen);
        const lapsed = open.filter((key) => answers.get(key) === 'lapsed');
        open = open.filter((key) => answers.get(key) === 'held' || answers.get(key) === 'lapsed');
        await this.#watch(lapsed, unrenewed);
        unrenewed.looksAgainIn(waitMs);
        // Whose lease ran out is dead as a rule: that is found out within seconds, also by who does not wait.
        const leftMs = lapsed.length > 0 ? Infinity : call.waitMs - (monotonicNow() - began);
        answered = open.length === 0 || leftMs <= 0;
        if (answered) return answers;
        await pause(Math.min(waitMs, leftMs), call.signal);
        refuseIfStopped(call.signal);
      }
    } finally {
      if (!answered) await this.giveBack(call);
    }
  }

  /**
   * What stands with those of the keys that are finished: what the guarded steps answered. @param of whose answers
   * @throws Error: the ledger, or n8n's own store of files, did not do its part
   */
  async answers(keys: readonly string[], of: string, files: Files): Promise<ReadonlyMap<string, Answer>> {
    const found = new Map<string, Answer>();
    let open = [...keys];
    while (open.length > 0) {
      const asked = open.slice(0, BATCH);
      const packed = await this.#ledger.keyAnswers(asked, ANSWERS_BYTES);
      const isCut = [...packed.values()].reduce((sum, { length }) => sum + length, 0) >= ANSWERS_BYTES;
      open = [...(isCut ? asked.filter((key) => !packed.has(key)) : []), ...open.slice(BATCH)];
      for (const [key, answer] of packed) {
        const given = await unpackAnswer(answer, of, files);
        if (!given) continue;
        found.set(key, given);
        this.#given.add(key);
      }
    }
    return found;
  }

  /**
   * What the call has taken is finished as soon as all of these steps have succeeded, and what they answered is stored with it:
   * what fails after them does not repeat them. With no such step it is finished with the run.
   * @param steps null: nobody can see them
   */
  guard(call: FirstTime, steps: GuardedSteps | null): void {
    if (!this.#endIsTold) return;
    if (steps === null || !this.#stepsAreTold) {
      sayStepsAreNotTold();
      return;
    }
    if (call.keys.length === 0 || steps.next.length === 0) return;
    const guarded = new GuardedCall(steps, { step: call.name, run: call.runIndex }, call.keys);
    this.#guarded.set(callName(call), [guarded, call.remembering]);
  }

  async stepEnded(step: EndedStep): Promise<void> {
    for (const [name, [call, remembering]] of this.#guarded) {
      const outcome = call.ended(step);
      if (outcome === 'open') continue;
      this.#guarded.delete(name);
      if (outcome === 'failed') continue;
      this.#finishing = this.#finishing.then(() => this.#finish(call, step, remembering));
    }
    await this.#finishing;
  }

  async #finish(call: GuardedCall, step: EndedStep, remembering: Remembering | null): Promise<void> {
    const packed = remembering ? await packedAnswers(call, step, remembering) : [];
    await persist(
      'That a step was done',
      () => this.#ledger.finishKeys(this.#holder, call.keys, packed),
      log,
    );
  }

  /** The call's items did not go on: nobody used what it took. */
  async giveBack(call: Pick<OnceCall, 'nodeId' | 'runIndex'>): Promise<void> {
    for (const [key, taker] of this.#taken) {
      if (taker !== callName(call)) continue;
      this.#taken.delete(key);
      this.#unused.add(key);
    }
    try {
      await this.#returnUnused();
    } catch (error) {
      // They are this run's until it ends, and returned then.
      log.warn(`Keys of Run Once could not be given back yet: ${errorText(error)}`);
    }
  }

  /** The execution ended. A wait counts as a good end, as it does for its mails. */
  async end(run: Pick<IRun, 'status' | 'data'>): Promise<void> {
    try {
      await this.#finishing;
      const end = async (): Promise<void> => {
        await this.#returnUnused();
        const ended = outcomeOf(run).kind === 'success' ? 'success' : 'failure';
        await this.#ledger.endKeys(this.#holder, ended, [...this.#given]);
      };
      await persist("The end of a run's keys", end, log);
    } finally {
      this.#runs.release(this.#holder);
    }
  }

  /** How long nobody has renewed these keys is seen by this process's own clock. */
  async #watch(lapsed: readonly string[], unrenewed: Unrenewed): Promise<void> {
    if (lapsed.length === 0) {
      unrenewed.forget();
      return;
    }
    const held = await this.#ledger.heldKeys(lapsed);
    unrenewed.see(held.map(({ key, until }) => ({ run: key, until, lapsesInMs: 0 })));
  }

  async #ask(call: OnceCall, answers: Map<string, KeyAnswer>, unrenewed: readonly SeenKey[]): Promise<void> {
    for (let start = 0; start < call.keys.length; start += BATCH) {
      refuseIfStopped(call.signal);
      const keys = call.keys.slice(start, start + BATCH);
      const { finish, keepMs } = call;
      const request = { keys, holder: this.#holder, leaseMs: RUNNING_LEASE_MS, finish, keepMs, unrenewed };
      const answered = await this.#ledger.takeKeys(request).catch((error: unknown) => {
        // The answer may have been lost on its way.
        for (const key of keys) if (!this.#taken.has(key)) this.#unused.add(key);
        throw error;
      });
      for (const [key, answer] of answered) {
        const unused = this.#unused.delete(key);
        const again = answer === 'mine' && (unused || this.#taken.get(key) === callName(call));
        if (answer === 'taken' || again) this.#taken.set(key, callName(call));
        answers.set(key, again ? 'taken' : answer);
      }
      // Stopped meanwhile: the run's end may have been told before this was taken.
      refuseIfStopped(call.signal);
    }
  }

  async #returnUnused(): Promise<void> {
    if (this.#unused.size === 0) return;
    const keys = [...this.#unused];
    await this.#ledger.returnKeys(this.#holder, keys);
    for (const key of keys) this.#unused.delete(key);
  }
}

/** All of them, or none: they share the room that there is. */
async function packedAnswers(
  call: GuardedCall,
  step: EndedStep,
  { of, mostBytes, eventOf, files }: Remembering,
): Promise<readonly StepAnswer[]> {
  const answers = await call.answers(step.call, mostBytes / ITEM_BYTES);
  const room = { left: mostBytes };
  const found: StepAnswer[] = [];
  for (const [key, answer] of answers) {
    const event = eventOf(key);
    if (event === undefined) continue;
    const packed = await packAnswer(answer, of, room, files);
    if (!packed) return [];
    found.push({ key, event, packed });
  }
  return found;
}

const callName = ({ nodeId, runIndex }: Pick<OnceCall, 'nodeId' | 'runIndex'>): string =>
  `${nodeId}:${runIndex}`;

/** @throws Error: the run was stopped */
export function refuseIfStopped(signal: AbortSignal): void {
  if (signal.aborted) throw new Error('The run was stopped before this step was due.');
}
