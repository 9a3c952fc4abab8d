// n8n's real editor in a real browser, as a person uses it. With DURABLE_MAIL_SCREENSHOTS set to a folder, the
// pictures of the documents are taken on the way.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, type Locator, type Page, selectors } from 'playwright-core';
import { launchChromium } from './chromium';
import type { N8n } from './n8n';
import { until } from './until';

export const PATIENCE_MS = 60_000;

export class Editor {
  readonly page: Page;
  readonly #n8n: N8n;
  readonly #browser: Browser;

  private constructor(n8n: N8n, browser: Browser, page: Page) {
    this.#n8n = n8n;
    this.#browser = browser;
    this.page = page;
  }

  /** A browser in which the owner is logged in. */
  static async start(n8n: N8n): Promise<Editor> {
    selectors.setTestIdAttribute('data-test-id');
    const browser = await launchChromium();
    const context = await browser.newContext({ viewport: { width: 1280, height: 760 } });
    await context.addCookies([{ name: 'n8n-auth', value: n8n.api.cookie, domain: '127.0.0.1', path: '/' }]);
    // A hint of the editor that covers what is pictured.
    await context.addInitScript("localStorage.setItem('N8N_PIN_DATA_DISCOVERY_NDV', 'true')");
    // For what it opens in a page of its own, too.
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    return new Editor(n8n, browser, page);
  }

  async dispose(): Promise<void> {
    await this.#browser.close();
  }

  async visit(workflow: string, firstNode: string): Promise<void> {
    // The editor would open again what was open there last.
    await this.page.goto('about:blank');
    await this.page.goto(`http://127.0.0.1:${this.#n8n.port}/workflow/${workflow}`);
    await this.node(firstNode).waitFor();
  }

  node(name: string): Locator {
    return this.page.locator(`[data-node-name="${name}"]`).first();
  }

  shown(text: string | RegExp): Locator {
    return this.page.getByText(text).filter({ visible: true }).first();
  }

  async shows(...texts: (string | RegExp)[]): Promise<void> {
    for (const text of texts) await this.shown(text).waitFor();
  }

  async open(name: string): Promise<void> {
    await this.#withoutHints(() => this.node(name).dblclick());
    await this.page.getByTestId('node-parameters').waitFor();
  }

  async close(): Promise<void> {
    await this.page.getByTestId('ndv-close-button').click();
    await this.page.getByTestId('node-parameters').waitFor({ state: 'hidden' });
  }

  /** Where the open panel has a parameter's value. */
  parameter(name: string): Locator {
    return this.page.getByTestId(`parameter-input-${name}`).first();
  }

  /** Chooses from a list of the open panel, as soon as it is filled. */
  async choose(parameter: string, choice: string): Promise<void> {
    const item = this.page
      .locator('.el-select-dropdown__item')
      .filter({ visible: true })
      .filter({ has: this.page.getByText(choice, { exact: true }) })
      .first();
    // A list closes when it has been filled, and a closing one is still seen for a moment.
    await until(`"${choice}" is chosen`, async () => {
      if (!(await item.isVisible())) await this.parameter(parameter).click();
      return item.click({ timeout: 2_000 }).then(
        () => true,
        () => false,
      );
    });
  }

  /** What the open panel's lists show as chosen. */
  chosen(...parameters: string[]): Promise<string[]> {
    return Promise.all(parameters.map((name) => this.parameter(name).locator('input').inputValue()));
  }

  async executeStep(): Promise<void> {
    await this.page.getByTestId('node-execute-button').click();
  }

  async hasIcon(place: Locator): Promise<void> {
    const icon = place.locator('img').first();
    await icon.waitFor();
    await until('the icon is loaded', () =>
      icon.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth > 0),
    );
  }

  async picture(name: string): Promise<void> {
    const folder = process.env['DURABLE_MAIL_SCREENSHOTS'];
    if (!folder) return;
    await mkdir(folder, { recursive: true });
    // Passing notices and animations are not part of the picture.
    await this.page.waitForTimeout(6_000);
    await this.page.mouse.move(0, 0);
    const path = join(folder, `${name}.png`);
    await this.#withoutHints(() => this.page.screenshot({ path, animations: 'disabled' }));
  }

  /** n8n's own hints may lie over the canvas, until somebody puts them away. */
  async #withoutHints(work: () => Promise<unknown>): Promise<void> {
    const content = '[data-reka-popper-content-wrapper] { display: none !important; }';
    const style = await this.page.addStyleTag({ content });
    await work();
    await style.evaluate((element) => (element as unknown as { remove(): void }).remove());
  }
}
