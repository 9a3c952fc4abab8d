// The node as a person sees it, in n8n's real editor in a real browser. With DURABLE_MAIL_SCREENSHOTS set to a
// folder, the pictures of the README are taken on the way.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { chromium, type Page, selectors } from 'playwright-core';
import { demoWorkflow } from '../../demo/workflow.mjs';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { N8n } from '../support/n8n';
import { until } from '../support/until';
import { credentialData } from '../support/workflows';

const CHROMIUM = '/usr/bin/chromium';
const PATIENCE_MS = 60_000;

describe('the node in the editor', { timeout: 10 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let dovecot: Dovecot;
  let n8n: N8n;
  let page: Page;

  before(async () => {
    dovecot = await cleanup.of(Dovecot.start());
    n8n = await cleanup.of(N8n.start());
    await dovecot.append('demo', [rawMail({ subject: 'Hello', text: 'A mail from the demo.' })]);
    const credential = await n8n.api.createCredential(
      'Demo mailbox',
      'imap',
      credentialData(dovecot.login('demo')),
    );
    const { id } = await n8n.api.createWorkflow(demoWorkflow(credential));
    await n8n.api.publish(id);
    await n8n.watching(id);
    selectors.setTestIdAttribute('data-test-id');
    const browser = await cleanup.of(
      chromium.launch({
        executablePath: CHROMIUM,
        args: [
          '--no-sandbox',
          '--disable-gpu',
          '--disable-background-networking',
          '--disable-component-update',
        ],
      }),
    );
    const context = await browser.newContext({ viewport: { width: 1280, height: 760 } });
    await context.addCookies([{ name: 'n8n-auth', value: n8n.api.cookie, domain: '127.0.0.1', path: '/' }]);
    page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(`http://127.0.0.1:${n8n.port}/workflow/${id}`);
    await node('Durable IMAP Trigger').waitFor();
  });
  after(() => cleanup.run());

  const node = (name: string): ReturnType<Page['locator']> =>
    page.locator(`[data-node-name="${name}"]`).first();

  const picture = async (name: string): Promise<void> => {
    const folder = process.env['DURABLE_MAIL_SCREENSHOTS'];
    if (!folder) return;
    await mkdir(folder, { recursive: true });
    // Passing notices and animations are not part of the picture.
    await page.waitForTimeout(6_000);
    await page.mouse.move(0, 0);
    await page.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' });
  };

  it('stands in the workflow with its icon and its mailbox', async () => {
    const icon = node('Durable IMAP Trigger').locator('img').first();
    await icon.waitFor();
    assert.ok(
      await icon.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth > 0),
      'the icon',
    );
    await page.getByText('INBOX').first().waitFor();
  });

  it('runs by hand with the newest mail', async () => {
    await page.getByTestId('execute-workflow-button').first().click();
    await until(
      'both nodes succeeded',
      async () => (await page.locator('[data-test-id="canvas-node-status-success"]').count()) >= 2,
      PATIENCE_MS,
    );
    await picture('demo-workflow');
  });

  it('asks for what it needs, in words', async () => {
    await node('Durable IMAP Trigger').dblclick();
    for (const text of [
      'Mailbox Name',
      'Download Attachments',
      'Property Prefix Name',
      'Every email is kept until its run has succeeded.',
    ]) {
      await page.getByText(text).filter({ visible: true }).first().waitFor();
    }
    await picture('trigger-node');
  });
});
