// Mail servers from which this process is cut off: others, who may have a way, are to read all of their mailboxes. Most of all those
// that say nothing any more, though no connection to them has broken: nobody is told where a way is cut, and a heartbeat and Answer
// Within would find it out much later.
// Invariants: only where there are others; of all connections to a server one is asked for a sign of life, after none of them has
// said anything for a while; a mailbox that is slow, and a command that takes long, are no silence: a new connection is not greeted
// either; nothing is closed for it until another process is to have what is read there.
import { monotonicNow, pause } from '../../runtime/time';
import { isGreeted } from '../session/greeting';
import { type ImapLogin, serverPart } from '../session/login';

/** A connection to the server, also one that is being made. */
export interface ServerConnection {
  readonly login: ImapLogin;
  /** So many bytes came over it; null: it is being made. */
  readonly heard: number | null;
  /** Asks for a sign of life. @returns false: it is busy, and waits for an answer anyway */
  readonly ask: () => boolean;
}

export interface SilencesParts {
  readonly times: SilenceTimes;
  /** There are other processes that would read the same. */
  readonly hasOthers: () => boolean;
  /**
   * The server says nothing to this process any more, or does not let it in; said again and again while it is so.
   * @param server with what the names of its accounts end
   */
  readonly silent: (server: string) => void;
  /** It is heard again. */
  readonly heard: (server: string) => void;
}

export interface SilenceTimes {
  /** After so long without a word one connection is asked. */
  readonly quietMs: number;
  /** It has so long to answer. */
  readonly answerMs: number;
  /** A new connection has so long to be greeted. */
  readonly greetMs: number;
}

const NEVER = new AbortController().signal;
const MOST_PATIENCE = 8;
/** Servers far away take so long for TCP and TLS. */
const LEAST_GREET_MS = 2_000;

/** A silent server is found out within what a silent process may take, and is given away in the rest of the time of both. */
export const silenceTimesOf = (leaseMs: number): SilenceTimes => ({
  quietMs: leaseMs / 5,
  answerMs: leaseMs / 4,
  greetMs: Math.max(leaseMs / 4, LEAST_GREET_MS),
});

export class Silences {
  readonly #servers = new Map<string, ServerSilence>();
  /** Monotonic, by server. */
  readonly #notReachedAt = new Map<string, number>();
  readonly #parts: SilencesParts;
  /** From which of them this process is cut off. */
  readonly #cutOff = new Set<string>();

  constructor(parts: SilencesParts) {
    this.#parts = {
      ...parts,
      silent: (server) => {
        this.#cutOff.add(server);
        parts.silent(server);
      },
      heard: (server) => {
        if (this.#cutOff.delete(server)) parts.heard(server);
      },
    };
  }

  /** @returns it is no connection any more */
  join(connection: ServerConnection): () => void {
    const name = serverPart(connection.login);
    const over = (): unknown => this.#servers.delete(name);
    const server = this.#servers.get(name) ?? new ServerSilence(name, this.#parts, over);
    this.#servers.set(name, server);
    return server.join(connection);
  }

  /** It could not be connected to, several times. While another connection works that is no matter of the server. */
  notReached(login: ImapLogin): void {
    const name = serverPart(login);
    if (this.#servers.get(name)?.isConnected) return;
    // Each connection of many says so.
    const now = monotonicNow();
    if (now - (this.#notReachedAt.get(name) ?? -Infinity) < this.#parts.times.quietMs) return;
    this.#notReachedAt.set(name, now);
    this.#parts.silent(name);
  }

  /** Nothing has been heard of it, by any connection, until now. */
  isSilent(login: ImapLogin): boolean {
    return this.#servers.get(serverPart(login))?.isSilent ?? false;
  }
}

/** It is over when there is no connection any more; one that is made anew meanwhile is the same to it. */
class ServerSilence {
  readonly #name: string;
  readonly #parts: SilencesParts;
  /** How much was heard on each, when it was looked last. The next one to be asked is the first. */
  readonly #connections = new Map<ServerConnection, number | null>();
  readonly #over: () => unknown;
  #isListening = false;
  /** The quiet may be so many times as long: new connections that never log in may be taken for an attack. */
  #patience = 1;
  isSilent = false;

  constructor(name: string, parts: SilencesParts, over: () => unknown) {
    this.#name = name;
    this.#parts = parts;
    this.#over = over;
  }

  get isConnected(): boolean {
    return [...this.#connections.keys()].some(({ heard }) => heard !== null);
  }

  /** @returns it leaves */
  join(connection: ServerConnection): () => void {
    this.#connections.set(connection, null);
    if (!this.#isListening) void this.#listen();
    return () => void this.#connections.delete(connection);
  }

  async #listen(): Promise<void> {
    this.#isListening = true;
    while (this.#connections.size > 0) {
      if (!(await this.#saysNothing())) continue;
      this.isSilent = true;
      this.#parts.silent(this.#name);
    }
    this.#over();
  }

  /** Neither by itself, nor asked, nor to a new connection. */
  async #saysNothing(): Promise<boolean> {
    const { times, hasOthers } = this.#parts;
    if (!hasOthers()) {
      await pause(times.quietMs, NEVER);
      return false;
    }
    if (!(await this.#isQuiet(times.quietMs * this.#patience)) || !hasOthers()) return false;
    this.#ask();
    if (!(await this.#isQuiet(times.answerMs))) return false;
    const [asked] = [...this.#connections.keys()].sort((a, b) => Number(b.heard) - Number(a.heard));
    if (!asked) return false;
    const began = monotonicNow();
    const isGreetedAnew = await isGreeted(asked.login, times.greetMs);
    if (this.#hasHeard()) return false;
    // This process stood still meanwhile.
    if (monotonicNow() - began > times.greetMs + times.quietMs) return false;
    if (!isGreetedAnew) return true;
    // That nobody is let in, as where the server behind a proxy is down, is not refuted by a greeting.
    if (this.isSilent) this.#isHeard();
    this.#patience = Math.min(this.#patience * 2, MOST_PATIENCE);
    return false;
  }

  #isHeard(): void {
    this.isSilent = false;
    this.#parts.heard(this.#name);
  }

  /** Waits for so long, or until something is heard. @returns nothing was */
  async #isQuiet(ms: number): Promise<boolean> {
    const { quietMs } = this.#parts.times;
    const until = monotonicNow() + ms;
    for (let left = ms; left > 0; left = until - monotonicNow()) {
      await pause(Math.min(quietMs / 4, left), NEVER);
      // What has come by now is read.
      await new Promise(setImmediate);
      if (this.#hasHeard()) return false;
      // This process, or the machine, stood still: whoever speaks has not been heard.
      if (monotonicNow() > until + quietMs) return false;
    }
    return true;
  }

  /** Since it was looked last. */
  #hasHeard(): boolean {
    let hasHeard = false;
    for (const [connection, before] of this.#connections) {
      const { heard } = connection;
      if (heard === before) continue;
      this.#connections.set(connection, heard);
      hasHeard = true;
    }
    if (!hasHeard) return false;
    this.#patience = 1;
    this.#isHeard();
    return true;
  }

  /** One that rests; each in turn. */
  #ask(): void {
    for (const connection of [...this.#connections.keys()]) {
      const heard = this.#connections.get(connection) ?? null;
      this.#connections.delete(connection);
      this.#connections.set(connection, heard);
      if (connection.ask()) return;
    }
  }
}
