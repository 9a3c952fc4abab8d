// What is asked in one moment goes in one request, where each costs a lot (`bundled`): along with the feed where that is about
// to be joined, else as a batch.
// Invariants: each question is answered or fails, once; what nobody waits for any more is not asked; what went along with a
// feed that is slow to answer, or that was left, is asked as a batch.
import type { BatchAnswer, BatchRequest } from '../../engine/console/api';
import { post, refuse } from './request';

/** As the handler takes in one request. */
const MOST_ASKS = 16;
/** What belongs to one moment: timers for it do not end at once. */
const MOMENT_MS = 20;
/** What is asked before is asked with what the first view asks; so long a view that never asks, as it is broken, is waited for. */
const SHOWN_WITHIN_MS = 10_000;
/** Something on the way may hold a stream back. */
const ANSWERED_WITHIN_MS = 5_000;

interface Question {
  readonly path: string;
  readonly signal: AbortSignal | undefined;
  readonly answer: (body: unknown) => void;
  readonly fail: (error: unknown) => void;
}

let waiting: Question[] = [];
let isSending = false;
/** How many joins of the feed are about to take along what waits. */
let joining = 0;
let asked = false;

let shown = (): void => undefined;
const isShown = new Promise<void>((resolve) => {
  shown = resolve;
  setTimeout(resolve, SHOWN_WITHIN_MS);
});

/** The first view has asked for what it shows. */
export const viewShown = (): void => shown();

/** Whether anything was asked already. */
export const haveAsked = (): boolean => asked;

/** @throws Unanswered */
export function askTogether(path: string, signal?: AbortSignal): Promise<unknown> {
  return new Promise((answer, fail) => {
    waiting.push({ path, signal, answer, fail });
    sendSoon();
  });
}

function sendSoon(): void {
  if (isSending) return;
  isSending = true;
  void isShown.then(() =>
    setTimeout(() => {
      isSending = false;
      if (joining > 0) return;
      const all = waiting;
      waiting = [];
      send(all);
    }, MOMENT_MS),
  );
}

function isWaitedFor({ signal, fail }: Question): boolean {
  if (signal?.aborted) fail(signal.reason);
  return !signal?.aborted;
}

function send(all: readonly Question[]): void {
  const questions = all.filter(isWaitedFor);
  for (let from = 0; from < questions.length; from += MOST_ASKS)
    void sendOne(questions.slice(from, from + MOST_ASKS));
}

async function sendOne(questions: readonly Question[]): Promise<void> {
  asked = true;
  try {
    const batch: BatchRequest = { asks: questions.map(({ path }) => path) };
    settle(questions, await post<BatchAnswer>('/api/batch', batch));
  } catch (error) {
    for (const { fail } of questions) fail(error);
  }
}

function settle(questions: readonly Question[], { answers }: BatchAnswer): void {
  for (const [at, { answer, fail }] of questions.entries()) {
    const { status, body } = answers[at] ?? { status: 503, body: null };
    try {
      answer(status < 400 ? body : refuse(status, body));
    } catch (error) {
      fail(error);
    }
  }
}

/** What goes along with one join of the feed. */
export class Along {
  readonly asks: readonly string[];
  #questions: readonly Question[];
  #patience: number | undefined;

  private constructor(questions: readonly Question[]) {
    this.#questions = questions;
    this.asks = questions.map(({ path }) => path);
    if (questions.length > 0) this.#patience = setTimeout(() => this.leave(), ANSWERED_WITHIN_MS);
  }

  /** As soon as the view has asked for what it shows. */
  static async gather(): Promise<Along> {
    joining += 1;
    await isShown;
    joining -= 1;
    waiting = waiting.filter(isWaitedFor);
    const along = new Along(waiting.splice(0, MOST_ASKS));
    if (along.asks.length > 0) asked = true;
    if (waiting.length > 0) sendSoon();
    return along;
  }

  /** There is something to answer. */
  get isOpen(): boolean {
    return this.#questions.length > 0;
  }

  answer(answers: BatchAnswer): void {
    settle(this.#end(), answers);
  }

  fail(error: unknown): void {
    for (const { fail } of this.#end()) fail(error);
  }

  /** The answers are waited for no longer. */
  leave(): void {
    send(this.#end());
  }

  #end(): readonly Question[] {
    clearTimeout(this.#patience);
    const questions = this.#questions;
    this.#questions = [];
    return questions;
  }
}
