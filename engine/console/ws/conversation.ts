// One connection of the WebSocket, from its token to its end:
// - `waiting`: no token came yet; the first message has to bring it
// - `open`: what it asks for is answered, what it has subscribed to is told
// - `ended`: it was told why, or was cut; nothing is answered or told any more
// Invariants: nothing of it throws; whatever it leaves unread, unanswered or unsaid ends it, and nobody else.
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { monotonicNow } from '../../runtime/time';
import type { Acting } from '../acting';
import type { Who } from '../login';
import type { ConsoleFeed } from '../ports';
import { Refusal } from '../refusal';
import { feedAskOf } from '../stream';
import { done } from './deeds';
import { type End, ENDS, type Limits, MOST_SUBSCRIPTIONS, MOST_UNANSWERED, MOST_UNSENT } from './limits';
import { Rate } from './rate';
import { feedParametersIn, type Request, type RequestId, requestIn } from './request';
import { type Line, Subscription } from './subscription';

export interface ConversationPorts {
  readonly feed: ConsoleFeed;
  readonly acting: Acting;
  /** @throws Refusal: the token is none */
  readonly whoHas: (token: string) => Who;
  /** What was thrown, as it is told. */
  readonly why: (error: unknown) => Refusal;
  readonly limits: Limits;
  /** It is over. */
  readonly gone: () => void;
}

interface Subscribed {
  readonly subscription: Subscription;
  readonly leave: () => void;
}

export class Conversation implements Line {
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  readonly #ports: ConversationPorts;
  readonly #rate: Rate;
  readonly #subscribed = new Map<number, Subscribed>();
  readonly #timers: NodeJS.Timeout[] = [];
  #who: Who | null;
  #last = 0;
  #unanswered = 0;
  #isThere = true;
  #isEnded = false;

  /** @param socket what it goes over @param who null: its token is still to come */
  constructor(ws: WebSocket, socket: Duplex, who: Who | null, ports: ConversationPorts) {
    const { limits } = ports;
    this.#ws = ws;
    this.#socket = socket;
    this.#who = who;
    this.#ports = ports;
    this.#rate = new Rate(limits.burst, limits.messagesPerSecond, monotonicNow);
    ws.on('message', (data, isBinary) => this.#heard(data, isBinary));
    ws.on('ping', (data) => this.#pinged(data));
    ws.on('pong', () => (this.#isThere = true));
    // A message that is too large, or none: the library ends it, with its code.
    ws.on('error', () => undefined);
    ws.on('close', () => this.#over());
    socket.on('drain', () => {
      for (const { subscription } of this.#subscribed.values()) subscription.drained();
    });
    const { least, most } = limits.lifeMs;
    this.#after(least + Math.random() * (most - least), ENDS.comeAgain);
    this.#timers.push(setInterval(() => this.#ping(), limits.pingMs).unref());
    if (!who) this.#after(limits.loginWithinMs, ENDS.noToken, () => this.#who === null);
  }

  get isLoggedIn(): boolean {
    return this.#who !== null;
  }

  push(text: string): boolean {
    if (this.#isEnded) return true;
    if (this.unsent() > MOST_UNSENT) this.cut();
    else this.#ws.send(text);
    return !this.#socket.writableNeedDrain;
  }

  unsent(): number {
    return this.#ws.bufferedAmount;
  }

  /** It has lasted its time, or the console is closed. */
  end(end: End = ENDS.comeAgain): void {
    if (this.#isEnded) return;
    this.#over();
    const [code, reason] = end;
    this.#ws.close(code, reason);
    setTimeout(() => this.#ws.terminate(), this.#ports.limits.lingerMs).unref();
  }

  /** At once: it does not read. */
  cut(): void {
    this.#over();
    this.#ws.terminate();
  }

  #over(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    for (const timer of this.#timers) clearInterval(timer);
    for (const { leave } of this.#subscribed.values()) leave();
    this.#subscribed.clear();
    this.#ports.gone();
  }

  #after(ms: number, end: End, isStill: () => boolean = () => true): void {
    this.#timers.push(setTimeout(() => isStill() && this.end(end), ms).unref());
  }

  #ping(): void {
    if (!this.#isThere) {
      this.cut();
      return;
    }
    this.#isThere = false;
    this.#ws.ping();
  }

  #pinged(data: Buffer): void {
    if (this.#isEnded) return;
    if (!this.#rate.take()) this.end(ENDS.tooMany);
    else if (this.unsent() > MOST_UNSENT) this.cut();
    else this.#ws.pong(data);
  }

  #heard(data: RawData, isBinary: boolean): void {
    if (this.#isEnded) return;
    this.#isThere = true;
    if (!this.#rate.take()) this.end(ENDS.tooMany);
    else if (isBinary) this.end(ENDS.notText);
    else this.#asked(requestIn((data as Buffer).toString()));
  }

  #asked(request: ReturnType<typeof requestIn>): void {
    if (!this.#who) {
      if ('refusal' in request || request.do !== 'login') this.end(ENDS.noToken);
      else this.#login(request);
    } else if ('refusal' in request) this.#refuse(request.id, request.refusal);
    else if (this.#unanswered >= MOST_UNANSWERED)
      this.#refuse(
        request.id,
        new Refusal(429, `${MOST_UNANSWERED} requests are not answered yet. Wait for one.`),
      );
    else void this.#answer(request, this.#who);
  }

  #login({ id, given: { token } }: Request): void {
    try {
      this.#who = this.#ports.whoHas(typeof token === 'string' ? token : '');
      this.#tell(id, { right: this.#who.right });
    } catch {
      this.end(ENDS.wrongToken);
    }
  }

  /** Never rejects. */
  async #answer(request: Request, who: Who): Promise<void> {
    this.#unanswered++;
    try {
      if (request.do === 'subscribe') this.#subscribe(request);
      else if (request.do === 'unsubscribe') this.#unsubscribe(request);
      else this.#tell(request.id, await done(request, who, this.#ports.acting));
    } catch (error) {
      this.#refuse(request.id, this.#ports.why(error));
    } finally {
      this.#unanswered--;
    }
  }

  #subscribe({ id, given }: Request): void {
    const ask = feedAskOf(feedParametersIn(given), { headers: {} });
    if (this.#subscribed.size >= MOST_SUBSCRIPTIONS)
      throw new Refusal(429, `A connection has ${MOST_SUBSCRIPTIONS} subscriptions at most.`);
    const number = ++this.#last;
    const subscription = new Subscription(number, this);
    // It has to be known which it is before anything is told of it.
    this.#tell(id, { subscription: number });
    const leave = this.#ports.feed.join(subscription, ask);
    if (this.#isEnded) leave();
    else this.#subscribed.set(number, { subscription, leave });
  }

  #unsubscribe({ id, given: { subscription } }: Request): void {
    const known = this.#subscribed.get(subscription as number);
    if (!known) throw new Refusal(404, 'There is no such subscription here.');
    this.#subscribed.delete(subscription as number);
    known.leave();
    this.#tell(id, {});
  }

  #tell(id: RequestId, body: unknown): void {
    this.push(JSON.stringify({ id, status: 200, body }));
  }

  #refuse(id: RequestId, { status, message }: Refusal): void {
    this.push(JSON.stringify({ id, status, error: message }));
  }
}
