// The console's page as a real n8n serves it on the console's port, in a real browser.
// Invariant: what is seen to change was not loaded again: a page that was, has lost its mark.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { Right } from '../../../engine/console/api';
import { launchChromium } from '../chromium';
import type { N8n } from '../n8n';
import { until } from '../until';

const PATIENCE_MS = 60_000;

export class ConsoleInN8n {
  readonly address: string;
  readonly #n8n: N8n;
  readonly #browser: Browser;

  private constructor(n8n: N8n, port: number, browser: Browser) {
    this.#n8n = n8n;
    this.address = `http://127.0.0.1:${port}`;
    this.#browser = browser;
  }

  static async start(n8n: N8n, port: number): Promise<ConsoleInN8n> {
    const opened = new ConsoleInN8n(n8n, port, await launchChromium());
    await until('the console is open', async () => (await opened.health()) !== 0, PATIENCE_MS);
    return opened;
  }

  async dispose(): Promise<void> {
    await this.#browser.close();
  }

  get folder(): string {
    return join(this.#n8n.folder, '.n8n', 'durable-mail');
  }

  async token(right: Right = 'operate'): Promise<string> {
    return (await readFile(join(this.folder, `console-${right}-token`), 'utf8')).trim();
  }

  /** @returns its status; 0: nobody answers */
  health(): Promise<number> {
    return fetch(`${this.address}/healthz`).then(
      ({ status }) => status,
      () => 0,
    );
  }

  async ask<Answer>(path: string): Promise<Answer> {
    const headers = { authorization: `Bearer ${await this.token()}` };
    return (await (await fetch(this.address + path, { headers })).json()) as Answer;
  }

  /** A page of its own, which nobody has logged in to. */
  async page(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.#browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    // For what it opens in a page of its own, too.
    context.setDefaultTimeout(PATIENCE_MS);
    return context.newPage();
  }

  /** Logged in, connected and marked. @param at a fragment: `#/mails` */
  async open(at = '', options: BrowserContextOptions = {}): Promise<Page> {
    const page = await this.page(options);
    await page.goto(`${this.address}/${at}`);
    await signIn(page, await this.token());
    await page.locator('[data-link="live"]').waitFor();
    await page.evaluate("self.mark = 'never loaded again'");
    return page;
  }
}

export async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('Token').fill(token);
  await page.keyboard.press('Enter');
}

export async function wasNotLoadedAgain(page: Page): Promise<void> {
  assert.equal(await page.evaluate('self.mark'), 'never loaded again');
}
