// What a connection of the WebSocket may do, and how it ends (docs/console.md has the same).
// Invariant: nobody takes more than a few megabytes, nor the process's time, whatever they send or leave unread.

export interface Limits {
  /** Who has no token yet is waited for so long. */
  readonly loginWithinMs: number;
  /** It is asked whether it is still there so often, and has until the next time to say so. */
  readonly pingMs: number;
  /** Each is ended after a time between these, and comes again. */
  readonly lifeMs: { readonly least: number; readonly most: number };
  /** After it was told that it ends. */
  readonly lingerMs: number;
  /** So many messages at once, and so many a second from then on. */
  readonly burst: number;
  readonly messagesPerSecond: number;
}

export const LIMITS: Limits = {
  loginWithinMs: 10_000,
  pingMs: 25_000,
  lifeMs: { least: 600_000, most: 900_000 },
  lingerMs: 5_000,
  burst: 60,
  messagesPerSecond: 10,
};

/** Octets of a message, as of what is sent over HTTP. */
export const MOST_MESSAGE_OCTETS = 65_536;
/** Octets: who has more unsent before something is written is cut, as in the feed (engine/feed/listener.ts). */
export const MOST_UNSENT = 1024 * 1024;
export const MOST_SUBSCRIPTIONS = 16;
/** Requests of one connection that are not answered yet. */
export const MOST_UNANSWERED = 8;
/** Connections at once, and those of them that have no token yet. */
export const MOST_OPEN = 2_000;
export const MOST_WITHOUT_TOKEN = 100;

/** Why the console ends a connection: a code, and a reason of at most 123 octets. */
export const ENDS = {
  closing: [1001, 'The console is being closed. Come again in some seconds.'],
  notText: [1003, 'Send text: one JSON object a message.'],
  comeAgain: [4000, 'It has lasted its time. Come again, and go on after your last position.'],
  noToken: [4401, 'No token came. Send it as the subprotocol bearer.<token>, or in the first message.'],
  wrongToken: [4401, 'This token is none of the console, or its session is over.'],
  tooMany: [4429, 'Too many messages. Send no more than 10 a second.'],
} as const satisfies Readonly<Record<string, readonly [code: number, reason: string]>>;

export type End = (typeof ENDS)[keyof typeof ENDS];
