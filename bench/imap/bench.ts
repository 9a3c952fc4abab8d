// What all measurements of a run share: one Dovecot, one n8n and one sink.
import { Cleanup } from '../../test/support/cleanup';
import { Dovecot } from '../../test/support/dovecot';
import { N8n } from '../../test/support/n8n';
import { freePort } from '../../test/support/net';
import { Sink } from '../../test/support/sink';
import { pass } from './figures';
import { floorEnvironment } from './floor';
import { collectGarbage, residentBytes } from './memory';

/** In bytes. */
export interface Memory {
  readonly resident: number;
  readonly used: number;
}

export class Bench {
  readonly #inspectorPort: number;
  readonly dovecot: Dovecot;
  readonly n8n: N8n;
  readonly sink: Sink;

  private constructor(dovecot: Dovecot, n8n: N8n, sink: Sink, inspectorPort: number) {
    this.dovecot = dovecot;
    this.n8n = n8n;
    this.sink = sink;
    this.#inspectorPort = inspectorPort;
  }

  static async start(cleanup: Cleanup): Promise<Bench> {
    const dovecot = await cleanup.of(Dovecot.start());
    const sink = await cleanup.of(Sink.start());
    const inspectorPort = await freePort();
    const n8n = await cleanup.of(
      N8n.start(
        {
          NODE_OPTIONS: `--inspect-port=127.0.0.1:${inspectorPort}`,
          ...(await floorEnvironment(cleanup)),
        },
        { withEditor: true },
      ),
    );
    return new Bench(dovecot, n8n, sink, inspectorPort);
  }

  get n8nPid(): number {
    return this.n8n.main.pid!;
  }

  /** n8n is started anew, so that nothing of what was measured before is in its memory. */
  async freshN8n(): Promise<void> {
    await this.n8n.down();
    await this.n8n.up();
    await pass(5_000);
  }

  /** What n8n's process holds in memory when it has cleared up, in bytes. */
  async n8nBytes(): Promise<number> {
    return (await this.n8nMemory()).resident;
  }

  /** The same, and what of it is in use, not in reserve. */
  async n8nMemory(): Promise<Memory> {
    const used = await collectGarbage(this.n8nPid, this.#inspectorPort);
    return { resident: await residentBytes(this.n8nPid), used };
  }
}
