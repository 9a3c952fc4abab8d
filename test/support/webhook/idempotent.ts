// A receiver of webhooks as it should be: it verifies each, and knows again by its id what it has done; and which fails as receivers
// do, before and after it has done it.
// Invariant: `done` has what took effect, by id; what is not signed is an error of the test.
import { Webhook } from 'standardwebhooks';
import { until } from '../until';
import { type Answering, Receiver } from './receiver';

export const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/** How often of a hundred, up to and with the one before. */
const FATES = [
  [8, 'refuses'],
  [14, 'cutsBefore'],
  [20, 'cutsAfter'],
  [23, 'isSlow'],
  [26, 'asksForLess'],
] as const;
type Fate = (typeof FATES)[number][1] | 'takes';

/** Longer than the timeout of those who send to it. */
const SLOW_MS = 3_000;
export const RECEIVER_TIMEOUT_S = 2;

export class IdempotentReceiver {
  /** What each id was for, once. */
  readonly done = new Map<string, unknown>();
  /** How often each fate was met. */
  readonly fates: Partial<Record<Fate, number>> = {};
  tries = 0;
  /** Tries of what it had done already. */
  known = 0;
  readonly unsigned: string[] = [];
  readonly receiver: Receiver;
  readonly #webhook = new Webhook(WEBHOOK_SECRET);

  private constructor(receiver: Receiver) {
    this.receiver = receiver;
    receiver.answering = (...met) => this.#answer(...met);
  }

  static async open(): Promise<IdempotentReceiver> {
    return new IdempotentReceiver(await Receiver.open());
  }

  close(): Promise<void> {
    return this.receiver[Symbol.asyncDispose]();
  }

  /** The ids of each that a body was for. @param of what it is for, by its body; null: it does not count */
  ids(of: (body: never) => string | null): ReadonlyMap<string, readonly string[]> {
    const found = new Map<string, string[]>();
    for (const [id, body] of this.done) {
      const what = of(body as never);
      if (what !== null) found.set(what, [...(found.get(what) ?? []), id]);
    }
    return found;
  }

  /** Until it has done so many more. */
  async more(count: number): Promise<void> {
    const before = this.done.size;
    await until('webhooks arrive', () => this.done.size >= before + count, 180_000, 5);
  }

  readonly #answer: Answering = (response, { headers, body, path }, socket) => {
    this.tries++;
    const id = String(headers['webhook-id']);
    try {
      this.#webhook.verify(body.toString(), headers as never);
    } catch {
      this.unsigned.push(id);
      response.writeHead(401).end();
      return;
    }
    if (path === '/gone') {
      response.writeHead(410).end();
      return;
    }
    const roll = Math.random() * 100;
    const fate: Fate = FATES.find(([below]) => roll < below)?.[1] ?? 'takes';
    this.fates[fate] = (this.fates[fate] ?? 0) + 1;
    if (fate === 'cutsBefore') socket.destroy();
    else if (fate === 'refuses') response.writeHead(500).end();
    else if (fate === 'asksForLess') response.writeHead(429, { 'retry-after': '1' }).end();
    else {
      if (this.done.has(id)) this.known++;
      else this.done.set(id, JSON.parse(body.toString()));
      if (fate === 'cutsAfter') socket.destroy();
      else if (fate === 'isSlow') setTimeout(() => response.writeHead(204).end(), SLOW_MS);
      else response.writeHead(204).end();
    }
  };
}
