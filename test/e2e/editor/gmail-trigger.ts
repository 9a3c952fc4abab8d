// The Gmail trigger as a person sees it: all that the built-in one asks for, the account's labels to pick from, each choice
// with its fields, and a test by hand that shows the newest mail that fits.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { INodeProperties, INodeTypeDescription } from 'n8n-workflow';
import { Cleanup } from '../../support/cleanup';
import type { Editor } from '../../support/editor';
import { FakeGmail } from '../../support/gmail/fake';
import { gmailCredential } from '../../support/gmail-workflow';
import type { N8n } from '../../support/n8n';
import { until } from '../../support/until';
import type { OpenEditor } from './open-editor';

const TRIGGER = 'New Mail';
const ANN = 'ann@example.com';

/** What only a trigger that is polled by n8n has. */
const OF_POLLING = new Set(['maxResults', 'pollTimes']);

export function gmailTriggerInTheEditor(open: () => OpenEditor): void {
  describe('the Gmail trigger in the editor', { timeout: 10 * 60_000 }, () => {
    const cleanup = new Cleanup();
    let gmail: FakeGmail;
    let n8n: N8n;
    let editor: Editor;
    let workflow: string;
    let orders: string;

    before(async () => {
      ({ n8n, editor } = open());
      gmail = await cleanup.of(FakeGmail.start());
      const ann = gmail.account(ANN);
      orders = ann.label('Orders');
      ann.label('Invoices/2026');
      ann.deliver({
        subject: 'Order 17',
        from: 'Shop <shop@example.com>',
        text: 'Two lamps',
        labels: ['INBOX', orders],
        internalDate: Date.now() - 60_000,
      });
      ann.deliver({ subject: 'Something else', text: 'Hello Ann' });
      ({ id: workflow } = await n8n.api.createWorkflow({
        name: 'Orders by Gmail',
        nodes: [
          {
            id: 'trigger',
            name: TRIGGER,
            type: 'n8n-nodes-durable-mail.durableGmailTrigger',
            typeVersion: 1,
            position: [0, 0],
            webhookId: '0b2f6a4e-7a55-4d0b-9a53-3f2f6b1d8c11',
            // As it is stored by the built-in trigger, beside where the fake is.
            parameters: { simple: true, filters: {}, options: { apiBaseUrl: gmail.url } },
            credentials: { gmailOAuth2: await gmailCredential(n8n, gmail, ANN) },
          },
        ],
        connections: {},
      }));
      await editor.visit(workflow, TRIGGER);
      await editor.open(TRIGGER);
    });
    after(() => cleanup.run());

    const stored = async (): Promise<Readonly<Record<string, unknown>>> => {
      const [node] = (await n8n.api.workflow(workflow)).nodes as { parameters: Record<string, unknown> }[];
      return node!.parameters;
    };

    const isStored = (
      what: string,
      holds: (parameters: Readonly<Record<string, unknown>>) => boolean,
    ): Promise<unknown> => until(`${what} is stored`, async () => holds(await stored()));

    const isHidden = async (text: string): Promise<void> => {
      await until(`"${text}" is not shown`, async () => {
        const shown = editor.page.getByText(text, { exact: true }).filter({ visible: true });
        return (await shown.count()) === 0;
      });
    };

    const addFilter = async (name: string): Promise<void> => {
      await editor.page.getByPlaceholder('Add Filter').click();
      await editor.page
        .locator('.el-select-dropdown__item')
        .filter({ visible: true })
        .filter({ has: editor.page.getByText(name, { exact: true }) })
        .click();
    };

    it('has all that the built-in Gmail Trigger has, under the same names', async () => {
      const response = await fetch(`${n8n.api.base}/types/nodes.json`, {
        headers: { cookie: `n8n-auth=${n8n.api.cookie}` },
      });
      const types = (await response.json()) as INodeTypeDescription[];
      const named = (name: string): INodeTypeDescription => types.find((type) => type.name === name)!;
      const ours = valuesOf(named('n8n-nodes-durable-mail.durableGmailTrigger').properties);
      const builtIn = valuesOf(named('n8n-nodes-base.gmailTrigger').properties);
      assert.ok(builtIn.includes('filters.readStatus=unread'), 'the right one is compared');
      assert.deepEqual(
        builtIn.filter((value) => !OF_POLLING.has(value.split('.')[0]!) && !ours.includes(value)),
        [],
      );
    });

    it('asks for a login, an event, and what to do with a mail; nothing else is needed', async () => {
      await editor.shows(
        'Authentication',
        'Gmail Account',
        'Event',
        'Simplify',
        'After Success',
        'Notifications',
      );
      assert.deepEqual(await editor.chosen('event', 'notifications'), ['Message Received', 'None']);
      await isHidden('Service Account');
    });

    it("lists the account's labels, its own first", async () => {
      await addFilter('Label Names or IDs');
      const items = editor.page.locator('.el-select-dropdown__item').filter({ visible: true });
      // A list closes when it has been filled.
      const names = await until('the list is open, and that of filters is not any more', async () => {
        const shown = (await items.allInnerTexts()).map((text) => text.trim());
        if (!shown.includes('Orders')) await editor.parameter('labelIds').click();
        return shown.includes('Orders') && !shown.includes('Include Drafts') && shown;
      });
      assert.deepEqual(names.slice(0, 2), ['Invoices/2026', 'Orders']);
      for (const name of ['Inbox', 'Spam', 'Category: Primary']) assert.ok(names.includes(name), name);
      await editor.picture('gmail-trigger');
      await editor.page.keyboard.press('Escape');
      await editor.choose('labelIds', 'Orders');
      await editor.page.keyboard.press('Escape');
      await isStored('the label', ({ filters }) => {
        const { labelIds } = filters as { labelIds?: string[] };
        return JSON.stringify(labelIds) === JSON.stringify([orders]);
      });
    });

    it('shows the newest mail that fits, by the names of its labels', async () => {
      const executions = async (): Promise<{ id: string }[]> =>
        (await n8n.api.executions()).filter(({ workflowId }) => workflowId === workflow);
      const before = await executions();
      await editor.executeStep();
      await editor.shows('Order 17', 'Shop <shop@example.com>');
      const [newest] = await executions();
      assert.equal((await executions()).length, before.length + 1);
      const text = JSON.stringify(await n8n.api.request('GET', `/rest/executions/${newest!.id}`));
      assert.match(text, /Orders/);
      assert.deepEqual(gmail.account(ANN).messages().length, 2);
    });

    it('says that no mail fits, and what was looked at', async () => {
      await addFilter('Sender');
      await editor.parameter('sender').locator('input').fill('nobody@example.com');
      await editor.executeStep();
      await editor.shows(/No mail fits the event and the filters: the only mail that came near in ann@/);
    });

    it('asks for what each event and each thing to do needs', async () => {
      await editor.choose('event', 'Label Added');
      await editor.shows('Added Label Names or IDs');
      await editor.choose('postProcessAction', 'Add Labels');
      await editor.shows('Success Label Names or IDs', 'After Success adds labels, and added labels start');
      await editor.choose('event', 'Message Received');
      await isHidden('Added Label Names or IDs');
      await editor.choose('postProcessAction', 'Nothing');
    });

    it('asks for the format only where it is not simplified', async () => {
      assert.equal(await editor.parameter('format').isVisible(), false);
      await editor.parameter('simple').click();
      await editor.shows('Format');
      assert.deepEqual(await editor.chosen('format'), ['Resolved']);
    });

    it('asks for a service account where Pub/Sub is pulled from, and for an address to push to where not', async () => {
      await editor.choose('notifications', 'Pub/Sub Pull');
      await editor.shows('Pub/Sub Topic', 'Pub/Sub Subscription', 'Service Account');
      await editor.choose('notifications', 'Pub/Sub Push');
      await editor.shows('Service Account of the Push Subscription', 'Audience', 'Webhook URLs');
      await isHidden('Service Account');
      await editor.choose('notifications', 'None');
      await isHidden('Webhook URLs');
    });

    it('logs in with a service account instead, by the choice of a person', async () => {
      await editor.choose('authentication', 'Service Account');
      await isHidden('Gmail Account');
      await editor.choose('authentication', 'OAuth2 (Recommended)');
      await editor.shows('Gmail Account');
    });
  });
}

/** Names of parameters with their choices, as `filters.readStatus=unread`. */
function valuesOf(properties: readonly INodeProperties[], path = ''): string[] {
  return properties
    .filter(({ type }) => type !== 'notice')
    .flatMap(({ name, type, options = [] }) => {
      const own = `${path}${name}`;
      if (type === 'collection') return [own, ...valuesOf(options as INodeProperties[], `${own}.`)];
      const choices = options.flatMap((option) =>
        'value' in option ? [`${own}=${String(option.value)}`] : [],
      );
      return [own, ...choices];
    });
}
