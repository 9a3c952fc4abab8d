// What a run tells: each file's results as a whole when it has ended, in the words of Node's own reporter, and at the end the
// totals of all files, the ones that took longest, and every test that failed.
import { relative } from 'node:path';
import { spec } from 'node:test/reporters';

const SLOWEST = 10;

/** In the order and under the names in which Node's reporter has them. @type {[string, string][]} */
const TOTALS = [
  ['tests', 'tests'],
  ['suites', 'suites'],
  ['pass', 'passed'],
  ['fail', 'failed'],
  ['cancelled', 'cancelled'],
  ['skipped', 'skipped'],
  ['todo', 'todo'],
];

export class Report {
  #reporter = new spec();
  #root;
  #began = performance.now();
  /** @type {{ file: string, ms: number }[]} */
  #files = [];
  /** @type {Record<string, number>[]} */
  #counts = [];
  #failed = false;

  /** @param {string} root what the names of files are shown from */
  constructor(root) {
    this.#root = root;
    this.#reporter.pipe(process.stdout, { end: false });
  }

  /** Whether a file has failed. */
  get failed() {
    return this.#failed;
  }

  /**
   * @param {string} file
   * @param {AsyncIterable<{ type: string, data: any }>} events what Node's runner tells of this file alone
   */
  async take(file, events) {
    const began = performance.now();
    const told = [];
    for await (const event of events) {
      if (event.type === 'test:summary' && !event.data.file) {
        this.#counts.push(event.data.counts);
        if (!event.data.success) this.#failed = true;
      } else if (isOfTheFile(event)) told.push(event);
    }
    const ms = performance.now() - began;
    this.#files.push({ file, ms });
    this.#say(`${this.#name(file)}: ${seconds(ms)}`);
    // At once, so that no other file's come between.
    for (const event of told) this.#reporter.write(event);
  }

  /** Writes the end of it. */
  async end() {
    this.#say(`the ${SLOWEST} slowest of ${this.#files.length} files, with their start:`);
    for (const { file, ms } of this.#files.toSorted((a, b) => b.ms - a.ms).slice(0, SLOWEST))
      this.#say(`${seconds(ms).padStart(7)}  ${this.#name(file)}`);
    for (const [name, count] of TOTALS)
      this.#say(`${name} ${this.#counts.reduce((sum, counts) => sum + (counts[count] ?? 0), 0)}`);
    this.#say(`duration_ms ${Math.round(performance.now() - this.#began)}`);
    const written = new Promise((resolve) => this.#reporter.once('end', resolve));
    // Who failed is told at the end of its stream.
    this.#reporter.end();
    await written;
  }

  /** @param {string} message */
  #say(message) {
    this.#reporter.write({ type: 'test:diagnostic', data: { nesting: 0, message, level: 'info' } });
  }

  /** @param {string} file */
  #name(file) {
    return relative(this.#root, file);
  }
}

/**
 * The totals of each run are not shown: they are added up.
 * @param {{ type: string, data: any }} event
 */
const isOfTheFile = ({ type, data }) =>
  type !== 'test:summary' && (data.file !== undefined || !['test:plan', 'test:diagnostic'].includes(type));

/** @param {number} ms */
const seconds = (ms) => `${(ms / 1_000).toFixed(1)} s`;
