// Consumers as processes of their own that share a stream of work: they note each mail in a database, once, and kill themselves at
// random between that and their acknowledgement; each is begun again.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ROOT } from '../../../tools/shell.mjs';

const WORK = `
import { DatabaseSync } from 'node:sqlite';
const done = new DatabaseSync(process.env.DONE_FILE);
done.exec('pragma busy_timeout = 10000');
let lives = Math.ceil(Math.random() * Number(process.env.MOST_LIVES));
export async function work(mail, event) {
  done.prepare('insert into work (event, subject, by) values (?, ?, ?)').run(event, mail.subject, process.env.WAY);
  done.prepare('insert or ignore into effect (event, subject) values (?, ?)').run(event, mail.subject);
  if (--lives <= 0) process.kill(process.pid, 'SIGKILL');
}`;

const SETTLES = 'await settle(event, attempt, end);';

export type Way = 'http' | 'xack';

export interface Effects {
  /** How many effects each subject has had. */
  readonly effects: ReadonlyMap<string, number>;
  /** How often a mail was worked on. */
  readonly works: number;
}

export class Consumers {
  readonly #folder: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #done: DatabaseSync;
  readonly #children = new Set<ChildProcess>();
  readonly #running: Promise<void>[] = [];
  #isOver = false;
  kills = 0;
  written = '';

  private constructor(folder: string, environment: Readonly<Record<string, string>>) {
    this.#folder = folder;
    const file = join(folder, 'done.sqlite');
    this.#environment = { ...environment, DONE_FILE: file };
    this.#done = new DatabaseSync(file);
    this.#done.exec(`pragma journal_mode = wal; pragma busy_timeout = 10000;
      create table work (event text, subject text, by text);
      create table effect (event text primary key, subject text)`);
  }

  /** The one over HTTP as it stands in docs/work-streams.md. */
  static async in(folder: string, environment: Readonly<Record<string, string>>): Promise<Consumers> {
    await mkdir(folder);
    const document = await readFile(join(ROOT, 'docs', 'work-streams.md'), 'utf8');
    const consumer = /```js file=consumer\.mjs\n(.*?)```/s.exec(document)?.[1];
    if (!consumer?.includes(SETTLES)) throw new Error('The document has no consumer.mjs that settles');
    await Promise.all([
      writeFile(join(folder, 'http.mjs'), consumer),
      writeFile(join(folder, 'work.mjs'), WORK),
      // By XACK alone, as the document says: what fails is left.
      writeFile(join(folder, 'xack.mjs'), consumer.replace(SETTLES, 'if (end.error) continue;')),
      symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules')),
    ]);
    return new Consumers(folder, environment);
  }

  begin(way: Way, name: string): void {
    this.#running.push(this.#run(way, name));
  }

  async #run(way: Way, name: string): Promise<void> {
    for (let life = 0; !this.#isOver; life++) {
      // A new name each time, as containers have: what it held is another's to claim.
      const child = spawn(process.execPath, [`${way}.mjs`, `${name}-${life}`], {
        ...{ cwd: this.#folder, stdio: ['ignore', 'pipe', 'pipe'] },
        env: { PATH: process.env['PATH'] ?? '', NODE_NO_WARNINGS: '1', WAY: way, ...this.#environment },
      });
      this.#children.add(child);
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (data: Buffer) => (this.written += data.toString()));
      await once(child, 'close');
      this.#children.delete(child);
      this.kills++;
    }
  }

  get effects(): Effects {
    const rows = this.#done.prepare('select subject, count(*) as n from effect group by subject').all();
    const { works } = this.#done.prepare('select count(*) as works from work').get() as { works: number };
    return { effects: new Map(rows.map(({ subject, n }) => [String(subject), Number(n)])), works };
  }

  async dispose(): Promise<void> {
    this.#isOver = true;
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all(this.#running);
    this.#done.close();
  }
}
