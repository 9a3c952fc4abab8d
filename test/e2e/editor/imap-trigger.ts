// The trigger's settings as a person sees them: each choice shows its fields, the server's mailboxes can be picked, and
// a test by hand shows the newest mail that fits.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../../support/cleanup';
import { Dovecot } from '../../support/dovecot';
import type { Editor } from '../../support/editor';
import { rawMail } from '../../support/mails';
import type { N8n } from '../../support/n8n';
import { until } from '../../support/until';
import { credentialData } from '../../support/workflows';
import type { OpenEditor } from './open-editor';

const TRIGGER = 'New Mail';

export function imapTriggerInTheEditor(open: () => OpenEditor): void {
  describe('the trigger in the editor', { timeout: 10 * 60_000 }, () => {
    const cleanup = new Cleanup();
    let dovecot: Dovecot;
    let n8n: N8n;
    let editor: Editor;
    let imap: { id: string; name: string };
    let workflow: string;

    /** Makes another workflow, and opens its trigger. */
    const opened = async (parameters: object, typeVersion = 1): Promise<void> => {
      const trigger = {
        ...{ id: 'trigger', name: TRIGGER, position: [0, 0], typeVersion, parameters },
        type: 'n8n-nodes-durable-mail.durableImapTrigger',
        credentials: { imap: { id: imap.id, name: imap.name } },
      };
      const named = { name: 'Orders by mail', nodes: [trigger], connections: {} };
      ({ id: workflow } = await n8n.api.createWorkflow(named));
      await editor.visit(workflow, TRIGGER);
      await editor.open(TRIGGER);
    };

    before(async () => {
      ({ n8n, editor } = open());
      dovecot = await cleanup.of(Dovecot.start());
      const client = await dovecot.client('ann');
      for (const name of ['Sent', 'Orders', 'Orders.2026', 'Done']) await client.mailboxCreate(name);
      await client.logout();
      await dovecot.append('ann', [rawMail({ subject: 'Order 17' }), rawMail({ subject: 'Something else' })]);
      const login = credentialData(dovecot.login('ann'));
      imap = await n8n.api.createCredential('Mailbox of Ann', 'imap', login);
      await n8n.api.createCredential('Away', 'imap', { ...login, port: 1 });
      // As it is stored by those who had it before mailboxes could be picked, and by the built-in trigger.
      await opened({ mailbox: 'INBOX' });
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

    const pickMailbox = async (name: string, picture?: string): Promise<void> => {
      await editor.page.getByTestId('rlc-input').first().click();
      await editor.shows('Sent (sent mail)', 'Orders.2026');
      if (picture) await editor.picture(picture);
      await editor.page
        .getByTestId('rlc-item')
        .filter({ hasText: new RegExp(`^\\s*${name}\\s*$`) })
        .first()
        .click();
    };

    const addOption = async (name: string): Promise<void> => {
      await editor.page.getByPlaceholder('Add option').click();
      await editor.page
        .locator('.el-select-dropdown__item')
        .filter({ visible: true })
        .filter({ has: editor.page.getByText(name, { exact: true }) })
        .click();
      await editor.page.getByPlaceholder('Add option').waitFor();
    };

    const credential = async (): Promise<string | undefined> => {
      const [node] = (await n8n.api.workflow(workflow)).nodes as {
        credentials?: { imap?: { name: string } };
      }[];
      return node!.credentials?.imap?.name;
    };

    /** The fields that the panel has on first sight, by name. */
    const shownFields = (): Promise<string[]> =>
      editor.page
        .locator('[data-test-id^="parameter-input-"]')
        .filter({ visible: true })
        .evaluateAll((fields) => [
          ...new Set(
            fields
              .map((field) => (field as unknown as { dataset: { testId: string } }).dataset.testId)
              .map((id) => id.replace('parameter-input-', '')),
          ),
        ]);

    const mailboxOf = (value: unknown): unknown => (value as { value?: unknown } | undefined)?.value ?? value;

    it('asks for one mailbox, by its name or from the list of the server', async () => {
      await editor.shows('Mailbox Login', 'Mailbox Name', 'Format', 'Download Attachments', 'After Success');
      await editor.shows('Filters', 'Options');
      assert.deepEqual(await shownFields(), [
        'mailbox',
        'format',
        'downloadAttachments',
        'postProcessAction',
      ]);
      assert.equal(await editor.page.getByTestId('rlc-input').first().inputValue(), 'INBOX');
      await editor.page.getByTestId('rlc-mode-selector').first().click();
      await editor.shown('From list').click();
      await pickMailbox('Done', 'trigger-node');
      await isStored('the mailbox', ({ mailbox }) => mailboxOf(mailbox) === 'Done');
    });

    it('keeps its mailbox when another credential is chosen, also one that does not work', async () => {
      await editor.page.getByTestId('rlc-mode-selector').first().click();
      await editor.shown('By Name').click();
      for (const name of ['Away', 'Mailbox of Ann']) {
        await editor.page.getByTestId('node-credentials-select').first().click();
        await editor.shown(name).click();
        await until(`${name} is stored`, async () => (await credential()) === name);
        assert.equal(await editor.page.getByTestId('rlc-input').first().inputValue(), 'Done');
      }
      await isStored('it', ({ mailbox }) => mailboxOf(mailbox) === 'Done');
    });

    it('asks for a pattern, or for more mailboxes', async () => {
      await editor.page.getByTestId('rlc-mode-selector').first().click();
      await editor.shown('By Pattern').click();
      await editor.page.getByTestId('rlc-input').first().fill('Orders*');
      await isStored('the pattern', ({ mailbox }) => (mailbox as { mode?: string }).mode === 'pattern');
      await addOption('More Mailboxes');
      await editor.choose('moreMailboxes', 'Orders');
      await editor.choose('moreMailboxes', 'Orders.2026');
      await editor.page.keyboard.press('Escape');
      await isStored('both', ({ options }) => {
        const { moreMailboxes } = options as { moreMailboxes?: string[] };
        return JSON.stringify(moreMailboxes) === '["Orders","Orders.2026"]';
      });
      await editor.executeStep();
      await editor.shows('"More Mailboxes" cannot be added to a pattern.');
      await editor.page.getByTestId('rlc-mode-selector').first().click();
      await editor.shown('From list').click();
    });

    it('asks how much of the mailbox to begin with', async () => {
      await addOption('Start With');
      await editor.choose('start', 'The Last …');
      await addOption('Start With: How Many');
      await editor.choose('start', 'Since a Date');
      await editor.shows(/Its date counts in the time zone of the workflow/);
      await addOption('Start With: Since');
      await editor.shows('Every email that is there runs the workflow once');
      await editor.choose('start', 'New Mail Only');
    });

    it('lists its options by what they are about, and behaves like the built-in trigger with one click', async () => {
      await editor.page.getByPlaceholder('Add option').click();
      const items = editor.page.getByTestId('collection-parameter-option').filter({ visible: true });
      await items.filter({ hasText: 'Behave Like the Built-in' }).waitFor();
      const listed = (await items.allInnerTexts()).map((name) => name.trim());
      assert.deepEqual(listed.slice(0, 6), [
        'Behave Like the Built-in',
        'While It Was Off',
        'Custom Email Rules',
        'Fetch Only New Emails',
        'Retry After',
        'Runs at Once',
      ]);
      await items.filter({ hasText: 'Behave Like the Built-in' }).click();
      await isStored('it', ({ options }) => (options as { likeBuiltIn?: boolean }).likeBuiltIn === true);
      await editor.shows('Only unread emails are taken.');
    });

    it('asks what each thing to do after success needs', async () => {
      await editor.choose('postProcessAction', 'Add Keyword');
      await editor.shows('Keyword');
      await editor.choose('postProcessAction', 'Delete');
      await editor.shows('The email is deleted for good when its run has succeeded');
      await editor.choose('postProcessAction', 'Move');
      await editor.shows('To Mailbox', 'Emails are moved to another mailbox.');
      await editor.choose('postProcessAction', 'Nothing');
    });

    it('asks for attachments where there can be any', async () => {
      await editor.choose('format', 'RAW');
      await editor.parameter('downloadAttachments').waitFor({ state: 'hidden' });
      await editor.choose('format', 'Simple');
      await editor.shows('Download Attachments');
    });

    it('shows the newest mail that fits, or says that none does', async () => {
      await editor.close();
      await opened({});
      await editor.page.getByPlaceholder('Add filter').click();
      await editor.shows('Has Attachment', 'Larger Than (KB)', 'Unread Only');
      await editor.shown('Subject').click();
      await editor.parameter('subject').locator('input').fill('order');
      await editor.executeStep();
      await editor.shows('Order 17');
      await editor.picture('trigger-test');
      await editor.parameter('subject').locator('input').fill('/nothing like it/');
      await editor.executeStep();
      await editor.shows(
        /No email fits the filters and rules: the newest 2 emails in "INBOX" were looked at\./,
      );
      const client = await dovecot.client('ann');
      const status = await client.status('INBOX', { unseen: true });
      assert.equal(status && status.unseen, 2);
      await client.logout();
    });

    it('warns of rules that pass over what somebody has read', async () => {
      await addOption('Custom Email Rules');
      await editor.shows('Only unread emails are taken.');
    });

    it('asks for the mailbox of dead mail once it is to be moved', async () => {
      await addOption('When Dead');
      await editor.page.getByPlaceholder('Add option').click();
      await editor.shows('While It Was Off');
      assert.equal(await editor.page.getByText('When Dead: To Mailbox').filter({ visible: true }).count(), 0);
      await editor.page.keyboard.press('Escape');
      await editor.choose('deadAction', 'Move');
      await addOption('When Dead: To Mailbox');
      await editor.page.getByTestId('rlc-input').last().click();
      await editor.page.getByTestId('rlc-item').filter({ hasText: 'Orders.2026', visible: true }).click();
      await isStored('the mailbox', ({ options }) => {
        const { deadAction, deadMailbox } = options as {
          deadAction?: string;
          deadMailbox?: { value?: string };
        };
        return deadAction === 'move' && deadMailbox?.value === 'Orders.2026';
      });
    });

    it('goes on as it was stored when all were fields of its own, and says so', async () => {
      await editor.close();
      const before = {
        ...{ mailboxes: 'several', mailboxList: ['INBOX', 'Orders'], start: 'last', startCount: 7 },
        ...{ mailStore: 'postgres', dataPropertyAttachmentsPrefixName: 'file_' },
      };
      await opened(before);
      await editor.shows(
        'Postgres Mail Store',
        /It watches the mailboxes, or the pattern of mailboxes, that were set in an older version/,
        /It begins with more than new mail/,
        /The names of attachments have a prefix of their own/,
        /Emails are kept in Postgres/,
      );
      await editor.choose('format', 'Resolved');
      await isStored('the format', ({ format }) => format === 'resolved');
      const parameters = await stored();
      assert.deepEqual({ ...parameters, ...before }, parameters);
    });

    for (const [version, parameters] of [
      [1, { options: { allowUnauthorizedCerts: true } }],
      [2, { mailbox: '={{ "IN" + "BOX" }}', downloadAttachments: true, options: {} }],
      [2.1, { postProcessAction: 'nothing', options: { trackLastMessageId: false } }],
      [2.2, { options: { customEmailConfig: '["UNSEEN"]' } }],
    ] as const) {
      it(`takes what version ${version} of the built-in trigger has stored`, async () => {
        await editor.close();
        await opened(parameters, version);
        await editor.shows('Mailbox Name', 'INBOX');
        await editor.executeStep();
        await editor.shows('Something else');
      });
    }
  });
}
