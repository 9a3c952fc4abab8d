// The nodes as a person sees them, in n8n's real editor in a real browser.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { demoWorkflow } from '../../../demo/workflow.mjs';
import { Cleanup } from '../../support/cleanup';
import { consoleWorkflow } from '../../support/console-workflow';
import { Dovecot } from '../../support/dovecot';
import { type Editor, PATIENCE_MS } from '../../support/editor';
import { rawMail } from '../../support/mails';
import type { N8n } from '../../support/n8n';
import { until } from '../../support/until';
import { credentialData } from '../../support/workflows';
import type { OpenEditor } from './open-editor';

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

export function nodesInTheEditor(open: () => OpenEditor): void {
  describe('the nodes in the editor', { timeout: 10 * 60_000 }, () => {
    const cleanup = new Cleanup();
    let dovecot: Dovecot;
    let n8n: N8n;
    let editor: Editor;
    let page: Page;
    let demo: string;
    let orders: string;

    before(async () => {
      ({ n8n, editor } = open());
      dovecot = await cleanup.of(Dovecot.start());
      await dovecot.append('demo', [rawMail({ subject: 'Hello', text: 'A mail from the demo.' })]);
      const credential = await n8n.api.createCredential(
        'Demo mailbox',
        'imap',
        credentialData(dovecot.login('demo')),
      );
      ({ id: demo } = await n8n.api.createWorkflow(demoWorkflow(credential)));
      await n8n.api.publish(demo);
      await n8n.watching(demo);
      ({ id: orders } = await n8n.api.createWorkflow(ordersWorkflow(credential)));
      ({ page } = editor);
      await editor.visit(demo, 'Durable IMAP Trigger');
    });
    after(async () => {
      await n8n.api.unpublish(demo);
      await cleanup.run();
    });

    /** Chooses in the open panel that the ledger is in a Postgres. */
    const choosePostgres = async (): Promise<void> => {
      await page.getByTestId('parameter-input-mailStore').click();
      await editor.shown('The database of a Mail Store credential').click();
      await editor.shows('Postgres Mail Store');
    };

    /** The nodes that have a Mail Store credential, as stored. */
    const chosenStores = async (): Promise<string[]> => {
      const { nodes } = await n8n.api.workflow(orders);
      return (nodes as StoredNode[])
        .filter(({ credentials }) => credentials && 'mailStore' in credentials)
        .map(({ name }) => name);
    };

    it('stands in the workflow with its icon and its mailbox', async () => {
      await editor.hasIcon(editor.node('Durable IMAP Trigger'));
      await editor.shows('INBOX');
    });

    it('runs by hand with the newest mail', async () => {
      // The button beside the trigger: n8n's own hints may lie over it.
      await page.getByTestId('execute-workflow-button-Durable IMAP Trigger').dispatchEvent('click');
      await until(
        'the mail came through to the end',
        async () => (await page.locator('[data-test-id="canvas-node-status-success"]').count()) >= 5,
        PATIENCE_MS,
      );
      await editor.picture('demo-workflow');
    });

    it('asks for what it needs, in words', async () => {
      await editor.open('Durable IMAP Trigger');
      await editor.shows('Mailbox Login', 'Mailbox Name', 'Format', 'Download Attachments', 'After Success');
      await page.getByPlaceholder('Add option').click();
      await editor.shows(
        'Guarantee',
        'Keep Content For (Days)',
        'Keep Events For (Days)',
        'Mails per Run',
        'Mails per Run: Automatic',
        'Retry After',
        'Runs at Once',
        'Start Within (Minutes)',
        'Where Emails Are Kept',
        'Store Mails Up To (MB)',
      );
    });

    it('Run Once has two outputs, and says what it is for', async () => {
      await editor.visit(orders, 'Run Once');
      await editor.hasIcon(editor.node('Run Once'));
      await editor.shows('First time', 'Already done', 'once for each email');
      await editor.open('Run Once');
      await editor.shows(
        'Put this node before a step that must not be done twice',
        'Key',
        'Scope',
        'The Key Is Finished',
        'If the Run Fails',
        'Where Emails Are Kept',
      );
      assert.deepEqual(await editor.chosen('scope', 'keyIsFinished', 'ifRunFails', 'mailStore'), [
        'This Step',
        'When the Next Step Is Done',
        'Free the Key',
        'In This n8n',
      ]);
      await editor.executeStep();
      await editor.shows('First time Branch (1 item)', 'Already done Branch');
      await editor.picture('run-once-node');
      await editor.close();
    });

    it('Mail Ledger shows events in the editor, too', async () => {
      await dovecot.append('demo', [rawMail({ subject: 'An order for you' })]);
      const isDone = async (): Promise<boolean> => {
        const [event] = (await n8n.events()).filter(({ workflow }) => workflow === demo);
        return event?.state === 'DONE';
      };
      await until('the mail is done, at its second try', isDone, PATIENCE_MS);
      await editor.visit(orders, 'Mail Ledger');
      await editor.hasIcon(editor.node('Mail Ledger'));
      await editor.open('Mail Ledger');
      await editor.shows('Resource', 'Operation', 'Return All', 'Limit', 'Filters', 'Where Emails Are Kept');
      await editor.executeStep();
      await editor.shows('eventId', 'DONE');
      await editor.picture('mail-ledger-node');
      await editor.close();
    });

    it('a Mail Store is made where it is asked for, and its test says what is wrong', async () => {
      await editor.visit(orders, 'Run Once');
      await editor.open('Run Once');
      await choosePostgres();
      await page.getByText('Connect to Mail Store').click();
      const dialog = page.getByTestId('editCredential-modal');
      await editor.hasIcon(dialog);
      await editor.shows('A Postgres database (14 or newer) for the mail ledger.');
      for (const field of ['host', 'database', 'user', 'password', 'port', 'ssl', 'schema'])
        await dialog.getByTestId(`parameter-input-${field}`).waitFor({ state: 'attached' });
      await editor.picture('mail-store-credential');
      await dialog.getByTestId('parameter-input-port').locator('input').fill('1');
      await page.getByTestId('credential-save-button').click();
      await editor.shown('More details').click();
      await editor.shows('Postgres at localhost:1/postgres cannot be reached');
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'hidden' });
      await until('it is chosen', async () => (await chosenStores()).join() === 'Run Once');
    });

    it('a Mail Store is where the trigger lists no login, and no node takes it unasked', async () => {
      await editor.visit(orders, 'New Mail');
      await editor.open('Mail Ledger');
      await editor.close();
      await editor.open('New Mail');
      await page.getByPlaceholder('Add option').click();
      await page
        .getByTestId('collection-parameter-option')
        .filter({ hasText: 'Where Emails Are Kept' })
        .click();
      await choosePostgres();
      await page.getByTestId('node-credentials-select').nth(1).click();
      await editor.shows('Mail Store account');
      assert.equal(await page.getByText('Demo mailbox').filter({ visible: true }).count(), 0);
      await page.keyboard.press('Escape');
      await editor.close();
      await until('the choice is stored', async () => {
        const [trigger] = (await n8n.api.workflow(orders)).nodes as StoredNode[];
        return (trigger?.parameters['options'] as { mailStore?: string }).mailStore === 'postgres';
      });
      assert.deepEqual(await chosenStores(), ['Run Once']);
    });

    it('Mail Console shows its address, and what it asks', async () => {
      await editor.visit(await consoleWorkflow(n8n), 'Mail Console');
      await editor.hasIcon(editor.node('Mail Console'));
      await editor.open('Mail Console');
      await editor.shows('Who Logs In May', 'Look and Act', 'Where Emails Are Kept');
      await editor.shown('Webhook URLs').click();
      await editor.shown('Production URL').click();
      await editor.shows(new RegExp(`:${n8n.port}/webhook/mail-console$`));
      await editor.picture('mail-console-node');
      await editor.close();
    });
  });
}
