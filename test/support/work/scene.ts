// Work by a stream over a real ledger and a real Redis, without a mailbox: mails are recorded, consumers are the test.
import { randomUUID } from 'node:crypto';
import { Dispatcher } from '../../../engine/delivery/dispatcher';
import type { EventRecord } from '../../../engine/ledger/inspection';
import { packContent } from '../../../engine/ledger/content';
import type { Ledger } from '../../../engine/ledger/ledger';
import type { Pointer } from '../../../engine/ledger/pointer';
import type { RedisConnection } from '../../../engine/redis/connection';
import type { Wake } from '../../../engine/signal/wake';
import { type NotSettled, settleWork, type WorkSettled } from '../../../engine/work/settle';
import { WorkStream } from '../../../engine/work/stream';
import { StreamWork, type WorkSettings } from '../../../engine/work/work';
import { held } from '../../ledger/held';
import { silentLog } from '../log';
import { until } from '../until';

interface Given extends Pointer {
  readonly ack: () => Promise<unknown>;
}

export class WorkScene {
  readonly name = randomUUID();
  readonly workflowId = `collector:${this.name}`;
  readonly #place: { readonly ledger: Ledger; readonly wake: Wake };
  readonly #connection: RedisConnection;
  readonly #settings: WorkSettings;
  #id = 0;
  #work: StreamWork | undefined;

  constructor(
    place: { readonly ledger: Ledger; readonly wake: Wake },
    connection: RedisConnection,
    settings: Partial<WorkSettings> = {},
  ) {
    this.#place = place;
    this.#connection = connection;
    this.#settings = { mostUnsettled: 100, mostDeliveries: 5, mostHeldMs: 600_000, ...settings };
  }

  /** A job with so many mails that wait. */
  async mails(count: number, retryDelaysMs: readonly number[] = []): Promise<this> {
    const { ledger } = this.#place;
    const source = { kind: 'imap' as const, account: this.name, mailbox: 'INBOX' };
    const { id, sourceId } = await ledger.subscribe({
      ...{ workflowId: this.workflowId, nodeId: 'ann', source, retryDelaysMs, guarantee: 'atLeastOnce' },
      ...{ keepContentMs: 0, retentionMs: 86_400_000, afterSuccess: null, whenDead: null },
    });
    this.#id = id;
    const content = await packContent(Buffer.from('Subject: hello\r\n\r\nhi'));
    const messages = Array.from({ length: count }, (_, uid) => ({
      ...{ identity: `uid:1:${uid}:INBOX`, softIdentity: null, accountWide: false, weakIdentity: null },
      ...{ messageId: `<${uid}@test>`, sender: null, subject: null, uid, uidValidity: '1' },
      ...{ receivedAt: 1_700_000_000_000 + uid, size: 22, content, due: [id] },
    }));
    await ledger.record({ hold: await held(ledger, sourceId), messages, cursors: [] });
    this.begin();
    return this;
  }

  /** As another process does. */
  begin(): void {
    const { ledger, wake } = this.#place;
    this.#work = new StreamWork(this.#settings, {
      ...{ ledger, wake, log: silentLog },
      stream: new WorkStream(this.#connection, { stream: this.name, group: 'workers' }, 'Redis'),
      deliver: (how, ports) => {
        const alone = { renewRuns: () => Promise.resolve(), wereSettled: () => false };
        return new Dispatcher([], how, { ...{ ledger, wake, log: silentLog }, ...alone, ...ports });
      },
      tell: () => Promise.resolve('{}'),
    });
    this.#work.serve([this.#id]);
  }

  /** The next entry that nobody has read. */
  next(consumer: string): Promise<Given> {
    const { client } = this.#connection;
    const words = ['GROUP', 'workers', consumer, 'COUNT', 1, 'STREAMS', this.name, '>'] as const;
    return until('an entry comes', async () => {
      const read = (await client.xreadgroup(...words).catch(() => null)) as
        [string, [string, string[]][]][] | null;
      const told = read?.[0]?.[1][0];
      if (!told) return null;
      const [id, [, event, , attempt]] = told;
      const ack = (): Promise<unknown> => client.xack(this.name, 'workers', id);
      return { event: event!, attempt: Number(attempt), ack };
    });
  }

  /** What another consumer holds. */
  claim(consumer: string): Promise<unknown> {
    return this.#connection.client.xautoclaim(this.name, 'workers', consumer, 0, '0', 'COUNT', 1);
  }

  removeConsumer(consumer: string): Promise<unknown> {
    return this.#connection.client.xgroup('DELCONSUMER', this.name, 'workers', consumer);
  }

  /** How many entries there are. */
  length(): Promise<number> {
    return this.#connection.client.xlen(this.name);
  }

  /** @param error left out: it went well */
  settle({ event, attempt }: Pointer, error?: string): Promise<WorkSettled | NotSettled> {
    const outcome =
      error === undefined ? ({ kind: 'success' } as const) : ({ kind: 'failure', error } as const);
    return settleWork(this.#place, { event, attempt }, outcome, 'test');
  }

  async event({ event }: Pick<Pointer, 'event'>): Promise<EventRecord> {
    return (await this.#place.ledger.event(event))!;
  }

  states() {
    return this.#place.ledger.statistics({ workflowId: this.workflowId });
  }

  async dispose(): Promise<void> {
    await this.#work?.stop();
    this.#work = undefined;
  }
}
