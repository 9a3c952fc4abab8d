// Who follows a console's feed for as long as a test goes: it comes again after every connection that broke, with the last id
// that it has, and keeps all that it was told.
// Invariant: what was told in part counts for nothing, as the standard for server-sent events has it.
import { type ClientRequest, request } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { type Heard, heardOf } from './fake-client';

/** In place of what `retry:` says, which is for real people's servers. */
const AGAIN_MS = 20;

export class Follower {
  /** Changes and resets, in the order in which they were told. */
  readonly told: Heard[] = [];
  lastId: string | undefined;
  connections = 0;
  readonly #port: number;
  readonly #token: string;
  readonly query: string;
  #asking: ClientRequest | null = null;
  #isOver = false;

  /** @param query what it asks for @param lastId of before; undefined: it comes for the first time */
  constructor(port: number, token: string, query = '', lastId?: string) {
    this.lastId = lastId;
    this.#port = port;
    this.#token = token;
    this.query = query;
    void this.#follow();
  }

  /** Breaks its connection, wherever that is. */
  cut(): void {
    this.#asking?.destroy();
  }

  close(): void {
    this.#isOver = true;
    this.cut();
  }

  async #follow(): Promise<void> {
    while (!this.#isOver) {
      await this.#connect();
      await setTimeout(AGAIN_MS);
    }
  }

  #connect(): Promise<void> {
    return new Promise((resolve) => {
      const headers = {
        authorization: `Bearer ${this.#token}`,
        ...(this.lastId !== undefined && { 'last-event-id': this.lastId }),
      };
      const path = `/events?${this.query}`;
      const asking = request({ port: this.#port, host: '127.0.0.1', path, headers, agent: false });
      this.#asking = asking;
      asking.on('error', () => undefined).on('close', resolve);
      asking.on('response', (response) => {
        if (response.statusCode !== 200) {
          response.resume();
          return;
        }
        this.connections++;
        let rest = '';
        response.on('error', () => undefined);
        response.setEncoding('utf8').on('data', (text: string) => {
          rest += text;
          const end = rest.lastIndexOf('\n\n') + 2;
          if (end < 2) return;
          this.#take(rest.slice(0, end));
          rest = rest.slice(end);
        });
      });
      asking.end();
    });
  }

  #take(blocks: string): void {
    this.told.push(...heardOf(blocks).filter(({ type }) => type !== 'stats'));
    this.lastId = [...blocks.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? this.lastId;
  }
}
