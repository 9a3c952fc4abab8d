// The page as it is handed out: what was built, with what this home tells it, and the policy that it runs under.
// Invariant: what is told stands in an attribute, escaped; the policy is that of the page as it was built.
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Answer } from './answer';
import type { PageSettings } from './api';
import type { ConsoleContext } from './context';
import { digestOf, pagePolicy } from './policy';

/** As it is built, packed or not. */
const MARK = /<meta name="mail-console" content=""\s*\/?>/;

const packed = promisify(gzip);

export class Page {
  readonly #before: string;
  readonly #after: string;
  readonly #policy: string;
  readonly #plots: string;

  /** @throws Error: it is none of ours */
  constructor({
    page: document,
    plots,
    isOwnOrigin,
  }: Pick<ConsoleContext, 'page' | 'plots' | 'isOwnOrigin'>) {
    const mark = MARK.exec(document);
    if (!mark) throw new Error('The console\'s page has no <meta name="mail-console" content="">.');
    this.#before = document.slice(0, mark.index);
    this.#after = document.slice(mark.index + mark[0].length);
    this.#policy = pagePolicy(document, plots, isOwnOrigin);
    this.#plots = digestOf(plots);
  }

  async answer(home: Omit<PageSettings, 'plots'>, accepts: string): Promise<Answer> {
    const settings: PageSettings = { ...home, plots: this.#plots };
    const told = `<meta name="mail-console" content="${escaped(JSON.stringify(settings))}">`;
    const body = Buffer.from(this.#before + told + this.#after);
    const isPacked = /(^|[\s,])gzip\s*(,|;\s*q=(1|0\.[1-9])|$)/i.test(accepts);
    return {
      status: 200,
      type: 'text/html; charset=utf-8',
      body: isPacked ? await packed(body) : body,
      headers: {
        'Content-Security-Policy': this.#policy,
        Vary: 'Accept-Encoding',
        ...(isPacked && { 'Content-Encoding': 'gzip' }),
      },
    };
  }
}

const escaped = (text: string): string =>
  text.replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
