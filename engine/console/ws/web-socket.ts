// `/ws`: who may have a connection, and those that there are.
// Invariants: what HTTP refuses is refused before there is a connection, with the reason; a token in an address is refused, since
// addresses are in logs; whoever closes it ends all of them.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocketServer } from 'ws';
import type { Acting } from '../acting';
import { admit } from '../admit';
import type { ConsoleContext } from '../context';
import { tellUpgrade } from '../home/tell';
import { type Who, whoAsks } from '../login';
import { asked } from '../query';
import { Refusal, refusalOf } from '../refusal';
import type { Sessions } from '../sessions';
import { targetOf } from '../target';
import { Conversation } from './conversation';
import { webSocketServer } from './library';
import { ENDS, type Limits, LIMITS, MOST_OPEN, MOST_WITHOUT_TOKEN } from './limits';
import { tokensIn } from './protocols';

export const WEB_SOCKET_PATH = '/ws';

export interface WebSocketParts {
  readonly context: ConsoleContext;
  readonly sessions: Sessions;
  readonly acting: Acting;
}

export class WebSockets {
  readonly #parts: WebSocketParts;
  readonly #limits: Limits;
  readonly #open = new Set<Conversation>();
  #server: Promise<WebSocketServer> | null = null;
  #isClosed = false;

  constructor(parts: WebSocketParts, limits: Limits = LIMITS) {
    this.#parts = parts;
    this.#limits = limits;
  }

  /** Answers the request, whatever it is; never rejects. */
  async upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => undefined);
    try {
      const who = this.#admitted(req);
      const server = await (this.#server ??= webSocketServer());
      if (this.#isClosed) throw new Refusal(503, 'The console is being closed.');
      server.handleUpgrade(req, socket, head, (ws) => {
        const conversation: Conversation = new Conversation(ws, socket, who, {
          ...{ feed: this.#parts.context.feed, acting: this.#parts.acting, limits: this.#limits },
          whoHas: (token) => this.#whoHas(token),
          why: (error) => refusalOf(error, this.#parts.context.log),
          gone: () => this.#open.delete(conversation),
        });
        this.#open.add(conversation);
      });
    } catch (error) {
      const { status, message, headers } = refusalOf(error, this.#parts.context.log);
      tellUpgrade(socket, status, message, headers);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const conversation of [...this.#open]) conversation.end(ENDS.closing);
  }

  /** @returns null: the first message is to bring the token @throws Refusal */
  #admitted(req: IncomingMessage): Who | null {
    const { context } = this.#parts;
    admit(req, context, false);
    const { path, query } = targetOf(req, context.prefix);
    if (path !== WEB_SOCKET_PATH) throw new Refusal(404, 'There is a WebSocket at /ws only.');
    asked(query, []);
    if (!context.webSocket) throw switchedOff();
    const all = [...this.#open];
    if (all.length >= MOST_OPEN) throw new Refusal(503, 'There are too many connections.');
    const { headers } = req;
    const tokens = tokensIn(headers['sec-websocket-protocol']);
    if (headers.authorization !== undefined) return whoAsks(headers, context, this.#parts.sessions);
    if (tokens.length > 0) return this.#whoHas(...tokens);
    if (all.filter(({ isLoggedIn }) => !isLoggedIn).length >= MOST_WITHOUT_TOKEN)
      throw new Refusal(503, 'There are too many connections that bring no token.');
    return null;
  }

  /** @param tokens the same one, as it may be meant @throws Refusal */
  #whoHas(...tokens: readonly string[]): Who {
    const { context, sessions } = this.#parts;
    const attempts = tokens.map((token) => {
      try {
        return whoAsks({ authorization: `Bearer ${token}` }, context, sessions);
      } catch (error) {
        return error as Refusal;
      }
    });
    const who = attempts.find((attempt): attempt is Who => !(attempt instanceof Error));
    if (who) return who;
    throw attempts[0] as Refusal;
  }
}

export const switchedOff = (): Refusal =>
  new Refusal(
    404,
    'The WebSocket is switched off. DURABLE_MAIL_WEBSOCKET=true, where the console runs, switches it on.',
  );
