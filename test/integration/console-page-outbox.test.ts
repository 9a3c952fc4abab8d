// The outbox in the console's page, in a real browser: how it is found, seen live and told of, and what is done with it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, describe, it } from 'node:test';
import type { BrowserContextOptions, Page } from 'playwright-core';
import type { FakeConsole } from '../support/console/fake';
import { ConsoleBrowser, posted, shows, type Opened } from '../support/console/open';
import { ago, mailId } from '../support/console/told';
import {
  endpointTold,
  entryId,
  entryTold,
  outboxJobTold,
  templateTold,
} from '../support/console/told-outbox';
import { until } from '../support/until';

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const PICTURES = process.env['DURABLE_MAIL_SCREENSHOTS'];

describe("the outbox in the console's page", { timeout: 5 * 60_000 }, () => {
  let browser: ConsoleBrowser;

  before(async () => (browser = await ConsoleBrowser.start()));
  afterEach(() => browser.closePages());
  after(() => browser.dispose());

  const open = (wanted?: Parameters<ConsoleBrowser['open']>[0]): Promise<Opened> =>
    browser.open({ at: '#/outbox', ...wanted });

  const chip = (page: Page, word: string) =>
    page.getByRole('group', { name: 'State' }).getByRole('button', { name: new RegExp(`^${word}`) });

  const told = (page: Page, name: string): Promise<(string | null)[]> =>
    page.evaluate(
      `[...document.querySelectorAll('[data-entry]')].map((row) => row.getAttribute(${JSON.stringify(name)}))`,
    );

  const states = (page: Page): Promise<(string | null)[]> => told(page, 'data-state');

  describe('its entries', () => {
    it('are listed without an end, the newest first, with how many are in each state', async () => {
      const { page, fake } = await open();
      await page.locator(`[data-entry="${entryId(999)}"]`).waitFor();
      assert.equal(await page.locator('[data-entry]').first().getAttribute('data-entry'), entryId(999));
      const failed = fake.outbox.entries.filter(({ state }) => state === 'FAILED').length;
      await until('the count', async () => (await chip(page, 'Failed').innerText()).includes(String(failed)));
      await until('all are there', async () => {
        await page.mouse.wheel(0, 4_000);
        return (await page.locator('[data-entry]').count()) === 70;
      });
      await shows(page, 'That is all.');
    });

    it('are found by their state, by their recipient and by when they were queued', async () => {
      const { page } = await open();
      await chip(page, 'Failed').click();
      await until('failed alone', async () => {
        const shown = await states(page);
        return shown.length > 0 && shown.every((state) => state === 'FAILED');
      });
      assert.match(page.url(), /#\/outbox\?state=FAILED$/);
      await chip(page, 'Bounced').click();
      await until('bounced, too', async () => new Set(await states(page)).size === 2);
      await page.getByLabel('Recipient').fill('NOBODY@');
      await page.keyboard.press('Enter');
      await until('the one', async () => (await states(page)).join() === 'BOUNCED');
      await shows(page, '550 5.1.1 No such user here');
      await page.getByRole('button', { name: 'Clear the filter' }).click();
      await until('all again', async () => (await states(page)).length === 50);
    });

    it('are seen to be queued, tried again, and to end', async () => {
      const { page, fake } = await open();
      await page.locator(`[data-entry="${entryId(999)}"]`).waitFor();
      fake.outbox.add(
        entryTold(1_000, {
          state: 'QUEUED',
          subject: 'Just written',
          tries: 0,
          settledAt: null,
          lastAnswer: null,
        }),
      );
      const row = page.locator(`[data-entry="${entryId(1_000)}"]`);
      await row.getByText('Queued', { exact: true }).waitFor();
      fake.outbox.change(entryId(1_000), { tries: 1, lastError: '451 later', dueAt: ago(-30) });
      await row.getByText('Tried once: 451 later').waitFor();
      await row.getByText('next try').waitFor();
      fake.outbox.change(entryId(1_000), { state: 'SENT', dueAt: null, lastError: null });
      await row.getByText('Sent', { exact: true }).waitFor();
    });

    it('say of what is unknown why, and what to do, and the head says that there is such', async () => {
      const { page } = await open({ at: '' });
      await page.getByRole('link', { name: /Outbox\s*1 unknown/ }).click();
      const row = page.locator(`[data-entry="${entryId(996)}"]`);
      await row.getByText(/nobody knows whether it arrived\. Look in the mailbox of sent mail/).waitFor();
      await row.getByRole('link').click();
      const opened = page.getByRole('complementary', { name: 'The opened entry' });
      await opened.getByText('The connection broke before the answer came.').waitFor();
      const acts = opened.getByRole('group', { name: 'Acts on this entry' }).getByRole('button');
      assert.deepEqual(await acts.allInnerTexts(), ['Retry', 'Cancel', 'Mark as sent', 'Forget content']);
    });

    it('lead to the mail that they answer and to its run, and it leads to them', async () => {
      const { page } = await open({ at: `#/outbox/${entryId(996)}` });
      const opened = page.locator('.opened');
      assert.equal(
        await opened.getByRole('link', { name: /Execution/ }).getAttribute('href'),
        'https://n8n.example.com/workflow/w7Support/executions/9997',
      );
      await opened.getByRole('link', { name: 'Where is my parcel?' }).click();
      await opened.getByRole('heading', { name: 'What went out for it' }).waitFor();
      const links = opened.locator('.outgoing a');
      assert.deepEqual(await links.allInnerTexts(), ['Your order 4998', 'Your order 4996']);
      await links.last().click();
      await until('back', () => page.url().endsWith(`#/outbox/${entryId(996)}`));
    });
  });

  describe('its acts', () => {
    it('are asked first, done to one, and told', async () => {
      const opened = await open({ at: `#/outbox/${entryId(996)}` });
      const { page } = opened;
      await page.locator('.opened').getByRole('button', { name: 'Mark as sent' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText('Mark as sent: 1 entry?').waitFor();
      assert.deepEqual(posted(opened, '/api/outbox/act'), []);
      await dialog.getByRole('button', { name: 'Mark as sent (1)' }).click();
      await shows(page, '1 entry marked as sent.');
      assert.deepEqual(posted(opened, '/api/outbox/act'), [{ action: 'markSent', ids: [entryId(996)] }]);
      await page.locator('.opened').getByText('Sent', { exact: true }).waitFor();
      await page.getByRole('link', { name: 'Outbox', exact: true }).waitFor();
    });

    it('are done to a selection', async () => {
      const opened = await open({ at: '#/outbox?state=FAILED' });
      const { page } = opened;
      const ticks = page.locator('[data-entry] input[type="checkbox"]');
      await ticks.first().waitFor();
      const ids = (await told(page, 'data-entry')).slice(0, 2);
      await ticks.nth(0).check();
      await ticks.nth(1).check();
      await page
        .getByRole('group', { name: 'Acts', exact: true })
        .getByRole('button', { name: 'Retry' })
        .click();
      await page.getByRole('dialog').getByRole('button', { name: 'Retry (2)' }).click();
      await shows(page, '2 entries queued again.');
      assert.deepEqual(posted(opened, '/api/outbox/act'), [{ action: 'retry', ids }]);
    });

    it('are done to all that the filter finds, in the background, with a way to stop it', async () => {
      const opened = await open({ at: '#/outbox?state=FAILED&kind=webhook' });
      const { page, fake } = opened;
      await page.getByRole('button', { name: 'Select all that the filter finds' }).click();
      await page
        .getByRole('group', { name: 'Acts', exact: true })
        .getByRole('button', { name: 'Retry' })
        .click();
      const count = fake.outbox.entries.filter(({ state }) => state === 'FAILED').length;
      const dialog = page.getByRole('dialog');
      await dialog.getByText(`Retry: all ${count} entries that the filter finds?`).waitFor();
      await dialog.getByText('State: Failed').waitFor();
      await dialog.getByRole('button', { name: `Retry (${count})` }).click();
      const filter = { state: 'FAILED', kind: 'webhook' };
      await until('it is asked for', () => posted(opened, '/api/outbox/act').length === 1);
      assert.deepEqual(posted(opened, '/api/outbox/act'), [{ action: 'retry', filter, count }]);
      const job = page.locator('[data-job="running"]');
      await job.getByText('State: Failed · Kind: webhook').waitFor();
      await job.getByRole('button', { name: 'Stop' }).click();
      await page.locator('[data-job="stopped"]').waitFor();
      await page.getByRole('link', { name: 'Mails', exact: true }).click();
      await page.locator('.mail').first().waitFor();
      assert.equal(await page.locator('.job').count(), 0, 'it is none on mails');
    });

    it('are not shown to who may only look', async () => {
      const { page } = await open({ right: 'read', at: `#/outbox/${entryId(996)}` });
      await page.locator('.opened').getByText('What is known').waitFor();
      for (const word of ['Retry', 'Cancel', 'Mark as sent', 'Forget content'])
        assert.equal(await page.getByRole('button', { name: word, exact: true }).count(), 0, word);
      await page.goto(`${page.url().split('#')[0]}#/outbox/endpoints`);
      await shows(page, 'old shop');
      assert.equal(await page.getByRole('button', { name: 'Take back' }).count(), 0);
    });
  });

  it('shows neither recipient nor subject, and does not look for them, where the console hides them', async () => {
    const { page } = await open({
      told: (fake) => {
        fake.showMail = false;
        fake.outbox.entries = fake.outbox.entries.map((entry) => ({
          ...entry,
          recipient: null,
          subject: null,
        }));
      },
    });
    await shows(page, 'A mail (not shown here)');
    assert.equal(await page.getByLabel('Recipient').count(), 0);
    assert.equal(await page.getByLabel('Subject').count(), 0);
  });

  describe('its templates', () => {
    it('are seen with values in a frame that can do nothing, and missing values are told', async () => {
      const { page, complaints } = await open({
        right: 'read',
        at: '#/outbox/templates',
        told: (fake) => {
          const evil = '<meta http-equiv="refresh" content="0;url=/gone"><a href="/gone">go</a>';
          const html = `${evil}<script>top.ran = 1</script><img src="/x.png" onerror="top.ran = 1"><b>Hi {{name}}</b>`;
          fake.outbox.templates = [templateTold({ html, text: null })];
        },
      });
      await page.getByRole('link', { name: 'order-received' }).click();
      const show = page.getByRole('button', { name: 'Show the mail' });
      await show.click();
      await shows(page, /has no value for .*order.*name/);
      await page.getByLabel('name', { exact: true }).fill('<i>Ann</i>');
      await page.getByLabel('order', { exact: true }).fill('7');
      await show.click();
      await page.locator('.preview').getByText('Your order 7').waitFor();
      const frame = page.frameLocator('.preview iframe');
      await frame.getByText('Hi <i>Ann</i>').waitFor();
      assert.equal(await page.locator('iframe').getAttribute('sandbox'), '');
      await frame.getByText('go').click();
      assert.equal(await page.evaluate('window.ran'), undefined);
      assert.ok(!page.url().includes('gone'));
      assert.equal(await page.getByRole('button', { name: 'Save' }).count(), 0);
      // What the frame may not do, the browser says.
      assert.ok(complaints.every((complaint) => /Content Security Policy|sandboxed|Blocked/.test(complaint)));
    });

    it('are made, changed and removed', async () => {
      const opened = await open({ at: '#/outbox/templates' });
      const { page } = opened;
      await page.getByRole('button', { name: 'New template' }).click();
      const save = page.getByRole('button', { name: 'Save' });
      assert.equal(await save.isDisabled(), true);
      await page.getByLabel('Name', { exact: true }).fill('welcome');
      await page.getByLabel('Subject', { exact: true }).fill('Hello {{name}}');
      await page.getByLabel('Text', { exact: true }).fill('Dear {{name}}');
      await save.click();
      await shows(page, '"welcome" is saved.');
      const saved = { name: 'welcome', subject: 'Hello {{name}}', text: 'Dear {{name}}', html: null };
      assert.deepEqual(posted(opened, '/api/templates/save'), [saved]);
      await page.getByRole('button', { name: 'Remove' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
      await shows(page, '"welcome" is removed.');
      await page.locator('[data-template="shipped"]').waitFor();
      assert.equal(await page.locator('[data-template="welcome"]').count(), 0);
    });

    it('are not taken from who types where somebody else has changed them, and that is said', async () => {
      const { page, fake } = await open({ at: '#/outbox/templates?name=shipped' });
      await page.getByLabel('Text', { exact: true }).fill('Mine');
      const changedAt = new Date(Date.now() + 1_000).toISOString();
      fake.outbox.templates = fake.outbox.templates.map((template) => ({ ...template, changedAt }));
      fake.feed.tell({ type: 'template.changed', data: { template: 'shipped' } });
      await shows(page, 'Somebody has changed this template since.');
      assert.equal(await page.getByLabel('Text', { exact: true }).inputValue(), 'Mine');
    });
  });

  it('says which endpoints are set aside and why, and takes them back', async () => {
    const opened = await open();
    const { page } = opened;
    await page.getByRole('link', { name: /Endpoints\s*1 set aside/ }).click();
    const one = page.locator('[data-endpoint="old shop"]');
    await one.getByText('It has failed for 5 days: HTTP 503.').waitFor();
    await one.getByRole('button', { name: 'Take back' }).click();
    await one.getByText('Told', { exact: true }).waitFor();
    assert.deepEqual(posted(opened, '/api/endpoints/takeBack'), [{ name: 'old shop' }]);
    await one.getByRole('button', { name: 'Remove' }).click();
    await page.getByRole('dialog').getByText('What waits for it is cancelled, and not sent.').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await one.waitFor({ state: 'detached' });
  });

  it('shows what receivers and workflows say as text', async () => {
    const evil = (where: string): string => `<img src=x onerror=alert(1)><script>alert(1)</script>${where}`;
    const { page, complaints } = await open({
      told: (fake) => {
        fake.outbox.entries = [
          entryTold(1, {
            ...{ state: 'FAILED', kind: evil('kind'), lane: evil('lane'), recipient: evil('recipient') },
            ...{ subject: evil('subject'), nodeName: evil('node'), lastError: evil('error') },
            ...{ lastAnswer: evil('answer'), messageId: evil('message'), workflowId: evil('workflow') },
          }),
        ];
        fake.outbox.templates = [
          templateTold({ name: evil('name'), subject: evil('subject'), changedBy: evil('by') }),
        ];
        fake.outbox.endpoints = [
          endpointTold({
            ...{ name: evil('name'), url: evil('url'), types: [evil('type')], createdBy: evil('by') },
            ...{ asideSince: ago(9), asideReason: evil('reason') },
          }),
        ];
        fake.jobs = [
          outboxJobTold({ state: 'failed', error: evil('job'), filter: { lane: evil('filter') } }),
        ];
      },
    });
    page.on('dialog', () => assert.fail('a script ran'));
    const told = async (...places: string[]): Promise<void> => {
      for (const where of places) await page.getByText(evil(where)).first().waitFor({ state: 'attached' });
      assert.equal(await page.locator('img, iframe, script + script, [onerror]').count(), 0);
    };
    await told('lane', 'recipient', 'subject', 'node', 'error', 'job', 'filter');
    await page.locator('.mail-subject').click();
    await told('answer', 'message', 'kind', 'workflow');
    await page.goto(`${page.url().split('#')[0]}#/outbox/templates`);
    await told('name', 'subject', 'by');
    await page.goto(`${page.url().split('#')[0]}#/outbox/endpoints`);
    await told('name', 'url', 'type', 'by', 'reason');
    assert.deepEqual(complaints, []);
  });

  it('is asked for along with the feed where each request is dear', async () => {
    const session = { token: 'given', expires: ago(-600) };
    const { page, fake } = await open({ settings: { bundled: true, session, hasStorage: false } });
    await page.locator('[data-entry]').first().waitFor();
    assert.deepEqual(
      fake.asked.map(({ path }) => path),
      ['/api/view'],
    );
    await page.locator(`[data-entry="${entryId(996)}"] a`).click();
    await page.locator('.opened h2').waitFor();
    await page.goto(`${page.url().split('#')[0]}#/mails/${mailId(997)}`);
    await page.locator('.outgoing').waitFor();
    assert.equal(fake.asked.length, 3);
  });

  const LOOKS: Readonly<Record<string, BrowserContextOptions>> = {
    light: { colorScheme: 'light' },
    dark: { colorScheme: 'dark' },
    phone: PHONE,
  };
  for (const [look, options] of Object.entries(LOOKS))
    it(`has nothing serious that axe finds, and nothing wider than the window: ${look}`, async () => {
      const axe = await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');
      const told = (fake: FakeConsole): void => {
        fake.jobs = [outboxJobTold({ seen: 3 })];
      };
      const { page } = await open({ ...options, told });
      const check = async (place: string): Promise<void> => {
        if (!(await page.evaluate('"axe" in window'))) await page.evaluate(axe);
        const wrong = await page.evaluate(`axe.run({ resultTypes: ['violations'] }).then(({ violations }) =>
          violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
            .map(({ id, nodes }) => id + ': ' + nodes.map(({ html, failureSummary }) => html + ' ' + failureSummary)))`);
        assert.deepEqual(wrong, [], place);
        // A phone's window becomes as wide as the page.
        const width = Number(await page.evaluate('document.documentElement.scrollWidth'));
        assert.ok(width <= page.viewportSize()!.width, `${place} is ${width} wide`);
        if (PICTURES) await page.screenshot({ path: `${PICTURES}/console-outbox-${place}-${look}.png` });
      };
      const show = async (fragment: string, awaited: string): Promise<void> => {
        await page.goto(`${page.url().split('#')[0]}#/outbox${fragment}`);
        await page.locator(awaited).first().waitFor();
      };
      await show('', '[data-entry]');
      await check('entries');
      await show(`/${entryId(996)}`, '.opened h2');
      await check('opened');
      await page.getByRole('button', { name: 'Mark as sent' }).last().click();
      await page.getByRole('dialog').waitFor();
      await check('question');
      await page.keyboard.press('Escape');
      await show('/templates', '[data-template]');
      await check('templates');
      await show('/templates?name=order-received', '.template textarea');
      await page.getByLabel('name', { exact: true }).fill('Ann');
      await page.getByLabel('order', { exact: true }).fill('4711');
      await page.getByRole('button', { name: 'Show the mail' }).click();
      await page.locator('iframe').waitFor();
      await page.locator('iframe').scrollIntoViewIfNeeded();
      await check('template');
      await show('/endpoints', '[data-endpoint]');
      await check('endpoints');
    });
});
