// What sends, as a person sees it in n8n's real editor: Durable Send, Durable Webhook and Outbox Trigger.
import assert from 'node:assert/strict';
import { before, beforeEach, describe, it } from 'node:test';
import type { Editor } from '../../support/editor';
import type { N8n } from '../../support/n8n';
import type { OpenEditor } from './open-editor';

/** Each with the credential that it asks for; nothing is sent. */
async function outgoingWorkflow(n8n: N8n): Promise<string> {
  const credential = async (type: string, name: string, data: object): Promise<object> => {
    const { id } = await n8n.api.createCredential(name, type, data);
    return { [type]: { id, name } };
  };
  const login = { user: 'shop', password: 'x', host: '127.0.0.1', port: 1, secure: false };
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const node = (name: string, type: string, x: number, y: number, more: object = {}): object => ({
    ...{ id: name, name, type: `n8n-nodes-${type}`, typeVersion: 1, position: [x, y], parameters: {} },
    ...more,
  });
  const to = (name: string): object => ({ main: [[{ node: name, type: 'main', index: 0 }]] });
  const { id } = await n8n.api.createWorkflow({
    name: 'What goes out',
    nodes: [
      node('By Hand', 'base.manualTrigger', 0, 0),
      node('Durable Send', 'durable-mail.durableSend', 240, 0, {
        typeVersion: 2.1,
        parameters: {
          fromEmail: 'Shop <shop@example.com>',
          toEmail: '={{ $json.from }}',
          html: '<p>Thanks!</p>',
        },
        credentials: await credential('smtp', "The shop's mailbox", { ...login, disableStartTls: true }),
      }),
      node('Durable Webhook', 'durable-mail.durableWebhook', 480, 0, {
        parameters: { operation: 'send', url: 'https://crm.example.com/hook' },
        credentials: await credential('durableWebhookSigning', 'Signed for the CRM', {
          secret,
          previousSecret: '',
        }),
      }),
      node('Outbox Trigger', 'durable-mail.outboxTrigger', 0, 260),
    ],
    connections: { 'By Hand': to('Durable Send'), 'Durable Send': to('Durable Webhook') },
  });
  return id;
}

export function outgoingInTheEditor(open: () => OpenEditor): void {
  describe('what sends, in the editor', { timeout: 5 * 60_000 }, () => {
    let editor: Editor;
    let workflow: string;
    before(async () => {
      ({ editor } = open());
      workflow = await outgoingWorkflow(open().n8n);
    });
    beforeEach(() => editor.visit(workflow, 'Durable Send'));

    /** The login, which stands above that parameter. */
    const isChosen = async (credential: string, above: string): Promise<void> => {
      const select = editor.page.getByTestId('node-credentials-select').first().locator('input');
      assert.equal(await select.inputValue(), credential);
      const [one, other] = [await select.boundingBox(), await editor.parameter(above).boundingBox()];
      assert.ok(one!.y < other!.y, `it stands at ${one!.y}, below ${above}`);
    };

    /** What the panel asks for, from the top. */
    const asksFor = async (...names: string[]): Promise<void> => {
      await editor.parameter(names[0]!).waitFor();
      const shown = await editor.page
        .locator('[data-test-id="node-parameters"] [data-test-id^="parameter-input-"]')
        .evaluateAll((inputs) =>
          inputs.map((input) =>
            (input as unknown as { dataset: { testId: string } }).dataset.testId.replace(
              'parameter-input-',
              '',
            ),
          ),
        );
      assert.deepEqual(
        [...new Set(shown)].filter((name) => names.includes(name)),
        names,
      );
    };

    it('Durable Send asks for what Send Email asks, and how often it may be sent', async () => {
      await editor.hasIcon(editor.node('Durable Send'));
      await editor.open('Durable Send');
      await asksFor(
        ...['fromEmail', 'toEmail', 'contentFrom', 'subject', 'emailFormat', 'html'],
        ...['sending', 'idempotencyKey', 'mailStore'],
      );
      await isChosen("The shop's mailbox", 'fromEmail');
      assert.deepEqual(await editor.chosen('contentFrom', 'emailFormat', 'sending', 'mailStore'), [
        ...['Entered Here', 'HTML', 'Now', 'In This n8n'],
      ]);
      await editor.picture('durable-send-node');
      await editor.page.getByPlaceholder('Add option').click();
      await editor.shows('Answers an Email', 'Attachments (File)', 'If It Is in Doubt', 'Tries', 'Reply To');
      await editor.page.keyboard.press('Escape');
      await editor.choose('contentFrom', 'Template');
      await editor.shows('Template Name or ID', 'Values');
      assert.equal(await editor.parameter('subject').count(), 0);
      await editor.picture('durable-send-template');
      await editor.close();
    });

    it('Durable Webhook asks where to, and how it is signed', async () => {
      await editor.hasIcon(editor.node('Durable Webhook'));
      await editor.open('Durable Webhook');
      await asksFor(
        ...['operation', 'url', 'body', 'signing'],
        ...['sending', 'idempotencyKey', 'mailStore'],
      );
      await isChosen('Signed for the CRM', 'sending');
      assert.deepEqual(await editor.chosen('operation', 'body', 'signing', 'sending'), [
        ...['Send', 'The Item', 'Standard Webhooks', 'Now'],
      ]);
      await editor.picture('durable-webhook-node');
      await editor.choose('operation', 'Subscribe');
      await editor.shows('Endpoint Name', 'Events', 'Only Workflow');
      await editor.picture('durable-webhook-subscribe');
      await editor.close();
    });

    it('Outbox Trigger says what it starts for, and that there is nothing', async () => {
      await editor.hasIcon(editor.node('Outbox Trigger'));
      await editor.open('Outbox Trigger');
      await editor.shows('Start When', 'It Failed', 'An Email Bounced', 'Only Workflows');
      await editor.picture('outbox-trigger-node');
      await editor.executeStep();
      await editor.shows('There is nothing in the outbox that would start this workflow');
      await editor.picture('outbox-trigger-nothing');
      await editor.close();
    });
  });
}
