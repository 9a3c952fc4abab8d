// What a process holds of the machine's memory (RSS, as Linux counts it), looked at again and again while a test runs.
import { readFile } from 'node:fs/promises';

const EVERY_MS = 1_000;

export class Resident {
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  /** MB. */
  readonly samples: number[] = [];

  constructor(pid: number) {
    this.#pid = pid;
    this.#timer = setInterval(() => void this.#look(), EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** @returns the mean of each of so many parts of the time, in order, in MB */
  parts(count: number): number[] {
    const share = this.samples.length / count;
    return Array.from({ length: count }, (_, part) => {
      const of = this.samples.slice(Math.floor(part * share), Math.floor((part + 1) * share));
      return Math.round(of.reduce((sum, each) => sum + each, 0) / of.length);
    });
  }

  async #look(): Promise<void> {
    // Gone with its process.
    const status = await readFile(`/proc/${this.#pid}/status`, 'utf8').catch(() => '');
    const found = /^VmRSS:\s*(\d+) kB/m.exec(status);
    if (found) this.samples.push(Number(found[1]) / 1_024);
  }
}
