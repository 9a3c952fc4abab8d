// A wall clock of a process that jumps when a test says so.
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compilePreload } from '../preload';

const SOURCE = join(__dirname, 'jumping-clock.c');

export class JumpingClock {
  readonly #folder: string;
  #count = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(): Promise<JumpingClock> {
    const folder = await mkdtemp(join(tmpdir(), 'durable-mail-clock-'));
    await compilePreload(SOURCE, join(folder, 'jumping-clock.so'));
    return new JumpingClock(folder);
  }

  /** For one process, or several: `environment` is what it is started with; `jump` sets how far it is off, ms, from now on. */
  async clock(): Promise<{
    readonly environment: Readonly<Record<string, string>>;
    readonly jump: (ms: number) => Promise<void>;
  }> {
    const file = join(this.#folder, `offset-${++this.#count}`);
    await writeFile(file, bytesOf(0));
    const jump = async (ms: number): Promise<void> => {
      // Written where it is: processes have it mapped.
      await using opened = await open(file, 'r+');
      await opened.write(bytesOf(ms), 0, 8, 0);
    };
    return {
      jump,
      environment: { LD_PRELOAD: join(this.#folder, 'jumping-clock.so'), JUMPING_CLOCK: file },
    };
  }

  dispose(): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true });
  }
}

function bytesOf(ms: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(ms));
  return bytes;
}
