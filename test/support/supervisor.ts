// Sees to n8n's processes as whoever runs n8n does: one that has not been ready for a minute is killed and started again.
// n8n needs that. When its database goes away again while it is connecting to it anew, its search for the database can
// stand still for good (seen with 2.41.1: "Attempting to recover database connection", and nothing after it).
import type { N8nProcess } from './n8n-process';

const PATIENCE_MS = 60_000;

export class Supervisor {
  readonly #processes: readonly N8nProcess[];
  /** Monotonic. */
  readonly #unreadySince = new Map<N8nProcess, number>();
  restarts = 0;

  constructor(processes: readonly N8nProcess[]) {
    this.#processes = processes;
  }

  /** To be called again and again. */
  async look(): Promise<void> {
    await Promise.all(this.#processes.map((process) => this.#see(process)));
  }

  async #see(process: N8nProcess): Promise<void> {
    if (await process.isReady()) {
      this.#unreadySince.delete(process);
      return;
    }
    const since = this.#unreadySince.get(process) ?? performance.now();
    this.#unreadySince.set(process, since);
    if (performance.now() - since < PATIENCE_MS) return;
    this.#unreadySince.delete(process);
    this.restarts += 1;
    await process.down('SIGKILL');
    await process.up();
  }
}
