// To which Redis the streams of jobs go: to the one that is named now, whatever was named before.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Streams } from '../../cli/collect/streams';
import { type Stream, streamSchema } from '../../cli/config/stream';
import { loadZod } from '../../cli/config/schema';
import type { Engine } from '../../engine/instance/engine';
import { ProcessWake } from '../../engine/signal/wake';
import { silentLog } from '../support/log';
import { until } from '../support/until';

/** It takes connections, and never answers. */
class Listener {
  readonly sockets = new Set<Socket>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((socket) => {
      this.sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => this.sockets.delete(socket));
      socket.resume();
    });
  }

  async open(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get url(): string {
    return `redis://:a-password@127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
  }
}

describe('the streams of jobs', () => {
  let stream: Stream;
  let before: Listener;
  let after: Listener;
  let url: () => string;
  let said: string[];
  /** By dispatcher. */
  let serving: Set<number>[];
  let streams: Streams;

  beforeEach(async () => {
    stream = streamSchema(await loadZod()).parse({ name: 'mails' });
    [before, after] = [new Listener(), new Listener()];
    await Promise.all([before.open(), after.open()]);
    [said, serving] = [[], []];
    url = () => before.url;
    const engine = {
      ledger: { ledgerId: () => Promise.resolve('a-ledger') },
      wake: new ProcessWake(),
      deliver: () => {
        const serves = new Set<number>();
        serving.push(serves);
        return {
          serve: (ids: readonly number[]) => ids.forEach((id) => serves.add(id)),
          stop: async () => serves.clear(),
        };
      },
    } as unknown as Engine;
    const log = { ...silentLog, error: (text: string) => said.push(text) };
    streams = new Streams({ engine, log, publicUrl: () => undefined, redisUrl: () => url() });
  });
  afterEach(async () => {
    await streams.stop();
    for (const listener of [before, after]) listener.close();
  });

  const all = (): readonly number[] => serving.flatMap((ids) => [...ids]).toSorted();

  it('go to the Redis whose URL is named by now, all of them, and leave the one before', async () => {
    streams.serve([1], { job: 'orders', stream });
    streams.serve([2], { job: 'tickets', stream });
    await until('it is connected', () => before.sockets.size > 0);
    streams.refresh();
    url = () => assert.fail('it cannot be read now');
    streams.refresh();
    await until('both are served', () => all().length === 2);
    assert.deepEqual([serving.length, after.sockets.size], [1, 0], 'nothing changed');
    url = () => after.url;
    streams.refresh();
    await until('the other one is connected', () => after.sockets.size > 0);
    await until('the one before is left', () => before.sockets.size === 0);
    assert.deepEqual([all(), said], [[1, 2], []]);
  });

  it('are begun later where the URL could not be used when their job began', async () => {
    url = () => 'no-url';
    streams.serve([1], { job: 'orders', stream });
    await until('it is said', () => said.length > 0);
    assert.match(said[0]!, /A stream of work cannot be begun: The Redis URL cannot be used/);
    url = () => before.url;
    streams.refresh();
    await until('it is connected', () => before.sockets.size > 0);
    assert.deepEqual(all(), [1]);
  });

  it('leave a Redis to which no job goes any more', async () => {
    streams.serve([1], { job: 'orders', stream });
    await until('it is connected', () => before.sockets.size > 0);
    await streams.leave([1]);
    streams.refresh();
    await until('it is left', () => before.sockets.size === 0);
  });
});
