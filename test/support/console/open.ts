// The console's page in a browser, before a console that a test puts words into.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { PageSettings, Right } from '../../../engine/console/api';
import { buildPage } from '../../../tools/page.mjs';
import { launchChromium } from '../chromium';
import { FakeConsole, TOKENS } from './fake';

const PATIENCE_MS = 20_000;

interface Wanted extends BrowserContextOptions {
  /** Of whom; null: nobody has logged in yet. */
  readonly right?: Right | null;
  readonly settings?: Partial<PageSettings>;
  /** A fragment: `#/mails`. */
  readonly at?: string;
  /** How many times as long as here whatever its script does takes there. */
  readonly slowness?: number;
  /** Runs in the page before its own script. */
  readonly script?: string;
  /** Before the page is opened. */
  readonly told?: (fake: FakeConsole) => void;
}

export interface Opened {
  readonly fake: FakeConsole;
  readonly page: Page;
  /** What the browser complained of, but for connections that a test broke. */
  readonly complaints: readonly string[];
}

export class ConsoleBrowser {
  readonly document: string;
  readonly plots: string;
  readonly #browser: Browser;
  readonly #fakes = new Set<FakeConsole>();

  private constructor(document: string, plots: string, browser: Browser) {
    this.document = document;
    this.plots = plots;
    this.#browser = browser;
  }

  static async start(): Promise<ConsoleBrowser> {
    const folder = await mkdtemp(join(tmpdir(), 'durable-mail-page-'));
    try {
      await buildPage(folder);
      const built = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
      return new ConsoleBrowser(await built('page.html'), await built('plots.js'), await launchChromium());
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  async open(wanted: Wanted = {}): Promise<Opened> {
    const { right = 'operate', settings = {}, at = '', slowness = 1, script, told, ...options } = wanted;
    const fake = await FakeConsole.start(this.document, this.plots);
    this.#fakes.add(fake);
    fake.settings = { ...fake.settings, ...settings };
    told?.(fake);
    const context = await this.#browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    // For what it opens in a page of its own, too.
    context.setDefaultTimeout(PATIENCE_MS);
    if (script) await context.addInitScript(script);
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    const devTools = await context.newCDPSession(page);
    await devTools.send('Emulation.setCPUThrottlingRate', { rate: slowness });
    await page.goto(`${fake.address}/${at}`);
    if (right !== null && fake.settings.session === null) {
      await page.getByLabel('Token').fill(TOKENS[right]);
      await page.keyboard.press('Enter');
    }
    if (right !== null) await page.locator('[data-link="live"]').waitFor();
    return { fake, page, complaints };
  }

  async closePages(): Promise<void> {
    for (const context of this.#browser.contexts()) await context.close();
    for (const fake of this.#fakes) fake.stop();
    this.#fakes.clear();
  }

  async dispose(): Promise<void> {
    await this.closePages();
    await this.#browser.close();
  }
}

function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('Failed to load resource'))
      complaints.push(message.text());
  });
  return complaints;
}

export const shows = (page: Page, text: string | RegExp): Promise<void> =>
  page.getByText(text).filter({ visible: true }).first().waitFor();

/** What was sent there, in order. */
export const posted = ({ fake }: Opened, path: string): readonly unknown[] =>
  fake.asked.filter((asked) => asked.path === path).map(({ body }) => body);
