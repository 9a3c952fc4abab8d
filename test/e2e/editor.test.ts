// The nodes as a person sees them, in n8n's real editor in a real browser. With DURABLE_MAIL_SCREENSHOTS set to a
// folder, the pictures of the documents are taken on the way.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { chromium, type Locator, type Page, selectors } from 'playwright-core';
import { demoWorkflow } from '../../demo/workflow.mjs';
import { Cleanup } from '../support/cleanup';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { N8n } from '../support/n8n';
import { until } from '../support/until';
import { credentialData } from '../support/workflows';

const CHROMIUM = '/usr/bin/chromium';
const PATIENCE_MS = 60_000;

interface StoredNode {
  readonly name: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly credentials?: object;
}

/** A mail's order is created once; beside it, what became of all mails. */
const ordersWorkflow = (imap: { id: string; name: string }): Parameters<N8n['api']['createWorkflow']>[0] => {
  const node = (name: string, type: string, x: number, y: number, more: object = {}): object => ({
    id: name,
    name,
    type,
    typeVersion: 1,
    position: [x, y],
    parameters: {},
    ...more,
  });
  const to = (name: string): object[] => [{ node: name, type: 'main', index: 0 }];
  return {
    name: 'Orders by mail',
    nodes: [
      node('New Mail', 'n8n-nodes-durable-mail.durableImapTrigger', 0, 0, { credentials: { imap } }),
      node('Run Once', 'n8n-nodes-durable-mail.runOnce', 240, 0),
      node('Create the Order', 'n8n-nodes-base.noOp', 520, -100),
      node('By Hand', 'n8n-nodes-base.manualTrigger', 0, 260),
      node('Mail Ledger', 'n8n-nodes-durable-mail.mailLedger', 240, 260),
    ],
    connections: {
      'New Mail': { main: [to('Run Once')] },
      'Run Once': { main: [to('Create the Order')] },
      'By Hand': { main: [to('Mail Ledger')] },
    },
  };
};

describe('the nodes in the editor', { timeout: 10 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let dovecot: Dovecot;
  let n8n: N8n;
  let page: Page;
  let orders: string;

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
    ({ id: orders } = await n8n.api.createWorkflow(ordersWorkflow(credential)));
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
    // A hint of the editor that covers what is pictured.
    await context.addInitScript("localStorage.setItem('N8N_PIN_DATA_DISCOVERY_NDV', 'true')");
    page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await visit(id, 'Durable IMAP Trigger');
  });
  after(() => cleanup.run());

  const visit = async (workflow: string, firstNode: string): Promise<void> => {
    // The editor would open again what was open there last.
    await page.goto('about:blank');
    await page.goto(`http://127.0.0.1:${n8n.port}/workflow/${workflow}`);
    await node(firstNode).waitFor();
  };

  const node = (name: string): Locator => page.locator(`[data-node-name="${name}"]`).first();

  const shown = (text: string | RegExp): Locator => page.getByText(text).filter({ visible: true }).first();

  const shows = async (...texts: string[]): Promise<void> => {
    for (const text of texts) await shown(text).waitFor();
  };

  const open = async (name: string): Promise<void> => {
    await node(name).dblclick();
    await page.getByTestId('node-parameters').waitFor();
  };

  const close = async (): Promise<void> => {
    await page.getByTestId('ndv-close-button').click();
    await page.getByTestId('node-parameters').waitFor({ state: 'hidden' });
  };

  /** What the open panel's lists show as chosen. */
  const chosen = (...parameters: string[]): Promise<string[]> =>
    Promise.all(
      parameters.map((name) => page.getByTestId(`parameter-input-${name}`).locator('input').inputValue()),
    );

  const executeStep = async (): Promise<void> => {
    await page.getByTestId('node-execute-button').click();
  };

  const hasIcon = async (place: Locator): Promise<void> => {
    const icon = place.locator('img').first();
    await icon.waitFor();
    await until('the icon is loaded', () =>
      icon.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth > 0),
    );
  };

  /** Chooses in the open panel that the ledger is in a Postgres. */
  const choosePostgres = async (): Promise<void> => {
    await page.getByTestId('parameter-input-mailStore').click();
    await shown('The database of a Mail Store credential').click();
    await shows('Postgres Mail Store');
  };

  const picture = async (name: string): Promise<void> => {
    const folder = process.env['DURABLE_MAIL_SCREENSHOTS'];
    if (!folder) return;
    await mkdir(folder, { recursive: true });
    // Passing notices and animations are not part of the picture.
    await page.waitForTimeout(6_000);
    await page.mouse.move(0, 0);
    await page.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' });
  };

  /** The nodes that have a Mail Store credential, as stored. */
  const chosenStores = async (): Promise<string[]> => {
    const { nodes } = await n8n.api.workflow(orders);
    return (nodes as StoredNode[])
      .filter(({ credentials }) => credentials && 'mailStore' in credentials)
      .map(({ name }) => name);
  };

  it('stands in the workflow with its icon and its mailbox', async () => {
    await hasIcon(node('Durable IMAP Trigger'));
    await shows('INBOX');
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
    await open('Durable IMAP Trigger');
    await shows(
      'Mailbox Login',
      'Mail Store',
      'Every email is kept until its run has succeeded.',
      'Mailbox Name',
      'Download Attachments',
      'Property Prefix Name',
    );
    await picture('trigger-node');
    await page.getByPlaceholder('Add option').click();
    await shows(
      'Guarantee',
      'Keep Content For (Days)',
      'Keep Events For (Days)',
      'Mails per Run',
      'Retry After',
      'Runs at Once',
      'Start Within (Minutes)',
      'Store Mails Up To (MB)',
    );
  });

  it('Run Once has two outputs, and says what it is for', async () => {
    await visit(orders, 'Run Once');
    await hasIcon(node('Run Once'));
    await shows('First time', 'Already done', 'once for each email');
    await open('Run Once');
    await shows(
      'Put this node before a step that must not be done twice',
      'Key',
      'Scope',
      'The Key Is Finished',
      'If the Run Fails',
      'Mail Store',
    );
    assert.deepEqual(await chosen('scope', 'keyIsFinished', 'ifRunFails', 'mailStore'), [
      'This Step',
      'When the Next Step Is Done',
      'Free the Key',
      'Default',
    ]);
    await executeStep();
    await shows('First time Branch (1 item)', 'Already done Branch');
    await picture('run-once-node');
    await close();
  });

  it('Mail Ledger shows events in the editor, too', async () => {
    await dovecot.append('demo', [rawMail({ subject: 'An order for you' })]);
    await until('the mail is done', async () => (await n8n.events())[0]?.state === 'DONE');
    await visit(orders, 'Mail Ledger');
    await hasIcon(node('Mail Ledger'));
    await open('Mail Ledger');
    await shows('Resource', 'Operation', 'Return All', 'Limit', 'Filters', 'Mail Store');
    await executeStep();
    await shows('eventId', 'DONE');
    await picture('mail-ledger-node');
    await close();
  });

  it('a Mail Store is made where it is asked for, and its test says what is wrong', async () => {
    await visit(orders, 'Run Once');
    await open('Run Once');
    await choosePostgres();
    await page.getByText('Connect to Mail Store').click();
    const dialog = page.getByTestId('editCredential-modal');
    await hasIcon(dialog);
    await shows('A Postgres database (14 or newer) for the mail ledger.');
    for (const field of ['host', 'database', 'user', 'password', 'port', 'ssl', 'schema'])
      await dialog.getByTestId(`parameter-input-${field}`).waitFor({ state: 'attached' });
    await picture('mail-store-credential');
    await dialog.getByTestId('parameter-input-port').locator('input').fill('1');
    await page.getByTestId('credential-save-button').click();
    await shown('More details').click();
    await shows('Postgres at localhost:1/postgres cannot be reached');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await until('it is chosen', async () => (await chosenStores()).join() === 'Run Once');
  });

  it('a Mail Store is where the trigger lists no login, and no node takes it unasked', async () => {
    await visit(orders, 'New Mail');
    await open('Mail Ledger');
    await close();
    await open('New Mail');
    await choosePostgres();
    await page.getByTestId('node-credentials-select').nth(1).click();
    await shows('Mail Store account');
    assert.equal(await page.getByText('Demo mailbox').filter({ visible: true }).count(), 0);
    await page.keyboard.press('Escape');
    await close();
    await until('the choice is stored', async () => {
      const [trigger] = (await n8n.api.workflow(orders)).nodes as StoredNode[];
      return trigger?.parameters['mailStore'] === 'postgres';
    });
    assert.deepEqual(await chosenStores(), ['Run Once']);
  });
});
