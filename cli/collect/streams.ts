// Hands the mails of jobs to consumers by Redis streams (engine/work): one work for each stream, whoever of the jobs goes there.
// Invariants: the settings of a stream are those of the job that is served last; a stream that nobody's job goes to any more is left,
// with all that stands in it; a Redis that is named otherwise by now is left, too, and all goes on in the other one.
import type { Engine } from '../../engine/instance/engine';
import { errorText, type Log } from '../../engine/runtime/log';
import { WorkStream } from '../../engine/work/stream';
import { StreamWork } from '../../engine/work/work';
import { type Stream, streamPrint } from '../config/stream';
import { Changes } from './changes';
import { mailTold } from './mail-body';
import { NamedRedis } from './named-redis';

export interface StreamPlace {
  readonly job: string;
  readonly stream: Stream;
}

interface Working {
  readonly print: string;
  readonly work: StreamWork;
  readonly ids: Set<number>;
}

export interface StreamsPorts {
  readonly engine: Engine;
  readonly log: Log;
  readonly publicUrl: () => string | undefined;
  /** @throws Error: the configuration has none */
  readonly redisUrl: () => string;
}

export class Streams {
  readonly #ports: StreamsPorts;
  readonly #places = new Map<number, StreamPlace>();
  readonly #working = new Map<string, Working>();
  readonly #redis: NamedRedis;
  readonly #changes: Changes;

  constructor(ports: StreamsPorts) {
    this.#ports = ports;
    this.#redis = new NamedRedis(ports.redisUrl, ports.log);
    this.#changes = new Changes((error) =>
      ports.log.error(`A stream of work cannot be begun: ${errorText(error)}`),
    );
  }

  serve(subscriptionIds: readonly number[], place: StreamPlace): void {
    for (const id of subscriptionIds) this.#places.set(id, place);
    void this.#changes.make(() => this.#serve(subscriptionIds, place.stream));
  }

  leave(subscriptionIds: readonly number[]): Promise<void> {
    for (const id of subscriptionIds) this.#places.delete(id);
    return this.#changes.make(async () => {
      for (const name of this.#working.keys()) await this.#leave(name, subscriptionIds);
    });
  }

  /** The URL of Redis may be another one, or may be one that can be used by now. */
  refresh(): void {
    void this.#changes.make(async () => {
      if (this.#redis.isOld || this.#places.size === 0) await this.#stop();
      const streams = new Map([...this.#places.values()].map(({ stream }) => [stream.name, stream]));
      for (const stream of streams.values())
        if (!this.#working.has(stream.name)) await this.#serve([], stream);
    });
  }

  stop(): Promise<void> {
    return this.#changes.end(() => this.#stop());
  }

  async #stop(): Promise<void> {
    await Promise.all([...this.#working.values()].map(({ work }) => work.stop()));
    this.#working.clear();
    this.#redis.close();
  }

  async #serve(subscriptionIds: readonly number[], stream: Stream): Promise<void> {
    const print = streamPrint(stream);
    for (const [name, { print: before }] of [...this.#working])
      if (name !== stream.name) await this.#leave(name, subscriptionIds);
      else if (before !== print) await this.#leave(name, null);
    let working = this.#working.get(stream.name);
    if (!working) {
      working = { print, work: await this.#begin(stream), ids: new Set() };
      this.#working.set(stream.name, working);
      // Those that another setting of it was for.
      for (const [id, place] of this.#places) if (place.stream.name === stream.name) working.ids.add(id);
    }
    for (const id of subscriptionIds) working.ids.add(id);
    working.work.serve([...working.ids]);
  }

  /** @param subscriptionIds null: all */
  async #leave(name: string, subscriptionIds: readonly number[] | null): Promise<void> {
    const { work, ids } = this.#working.get(name)!;
    const gone = (subscriptionIds ?? [...ids]).filter((id) => ids.delete(id));
    if (ids.size > 0) return work.leave(gone);
    this.#working.delete(name);
    await work.stop();
  }

  async #begin({ name, group, mostUnsettled, mostDeliveries, mostHeldMinutes }: Stream): Promise<StreamWork> {
    const { engine, log } = this.#ports;
    const redis = await this.#redis.connected();
    return new StreamWork(
      { mostUnsettled, mostDeliveries, mostHeldMs: mostHeldMinutes * 60_000 },
      {
        ...{ ledger: engine.ledger, wake: engine.wake, log },
        stream: new WorkStream(redis.connection, { stream: name, group }, redis.name),
        deliver: (...told) => engine.deliver(...told),
        tell: ({ event }) => this.#tell(event),
      },
    );
  }

  async #tell(event: string): Promise<string | null> {
    const { engine, publicUrl } = this.#ports;
    const mail = await engine.ledger.event(event);
    if (!mail) return null;
    const job = mail.workflowId.replace(/^collector:/, '');
    const place = [...this.#places.values()].find((one) => one.job === job);
    if (!place) throw new Error('Its job is not there any more.');
    const telling = { job, content: place.stream.content, publicUrl: publicUrl() };
    const told = await mailTold({ ...mail, event, content: null }, telling, engine.ledger);
    return JSON.stringify(told.data);
  }
}
