// The console's page is for everybody, and against nobody: what mails and servers say is text wherever it is shown, everything
// can be done with a keyboard, and axe finds nothing serious, in light and dark and on a phone.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, describe, it } from 'node:test';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { TOKENS, type FakeConsole } from '../support/console/fake';
import { ConsoleBrowser } from '../support/console/open';
import { ago, jobTold, mailId, mailTold, noteTold, sourceTold, triggerTold } from '../support/console/told';
import { until } from '../support/until';

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

describe("the console's page, for everybody", { timeout: 5 * 60_000 }, () => {
  let browser: ConsoleBrowser;

  before(async () => (browser = await ConsoleBrowser.start()));
  afterEach(() => browser.closePages());
  after(() => browser.dispose());

  describe('where mails, servers and models try to be more than text', () => {
    /** Each is told apart by where it stands. */
    const evil = (where: string): string =>
      `<meta http-equiv="refresh" content="0;url=/gone"><img src=x onerror=alert(1)>"'><script>alert(1)</script>${where}`;

    const tellEvil = (fake: FakeConsole): void => {
      const spoken = { account: evil('account'), mailbox: evil('mailbox'), workflowIds: [evil('workflow')] };
      const said = {
        says: evil('says'),
        lastError: evil('error'),
        actionError: evil('action'),
        actionsWaiting: 1,
      };
      fake.editor = 'javascript:alert(1)//';
      fake.sources = [sourceTold(1, { ...spoken, ...said, kind: evil('kind'), holder: evil('holder') })];
      fake.triggers = [
        triggerTold({ workflowId: evil('workflow'), nodeName: evil('node'), lastError: evil('failure') }),
      ].map((trigger) => ({ ...trigger, failedLately: 1, lastFailedAt: ago(1) }));
      fake.mails = [
        mailTold(1, {
          ...{ account: evil('account'), mailbox: evil('mailbox'), workflowId: evil('workflow') },
          ...{ nodeName: evil('node'), subject: evil('subject'), sender: evil('sender') },
          ...{ state: 'DEAD', failures: 1, lastError: evil('failure'), messageId: evil('message') },
          annotations: [
            noteTold({
              ...{ name: evil('name'), category: evil('category'), priority: evil('priority') },
              ...{ summary: evil('summary'), data: { [evil('key')]: evil('value') } },
            }),
          ],
        }),
      ];
      fake.jobs = [
        jobTold({ state: 'failed', by: evil('by'), error: evil('job'), filter: { subject: evil('filter') } }),
      ];
    };

    const shows = (page: Page, ...places: string[]): Promise<unknown> =>
      Promise.all(places.map((where) => page.getByText(evil(where)).first().waitFor({ state: 'attached' })));

    const isOnlyText = async (page: Page, address: string): Promise<void> => {
      const others =
        'img, iframe, object, embed, base, form, script + script, meta[http-equiv], [onerror], [onload]';
      assert.equal(await page.locator(others).count(), 0);
      assert.equal(await page.locator('script').count(), 1);
      assert.equal(await page.locator('a[href^="javascript"]').count(), 0);
      assert.ok(page.url().startsWith(`${address}/`) && !page.url().includes('/gone'), page.url());
    };

    it('shows them as text, in every field of every view', async () => {
      const { page, fake, complaints } = await browser.open({ told: tellEvil });
      page.on('dialog', () => assert.fail('a script of a mail ran'));
      await shows(page, 'account', 'mailbox', 'says', 'error', 'action', 'kind', 'holder', 'workflow');
      await isOnlyText(page, fake.address);
      await page.getByRole('link', { name: 'Workflows' }).click();
      await shows(page, 'workflow', 'node', 'failure');
      await isOnlyText(page, fake.address);
      await page.getByRole('link', { name: 'Mails', exact: true }).click();
      await shows(page, 'subject', 'sender', 'category', 'failure', 'job', 'by', 'filter');
      await isOnlyText(page, fake.address);
      await page.locator('.mail-subject').click();
      await page.getByText('Data', { exact: true }).click();
      await shows(page, 'summary', 'message', 'name', 'priority');
      assert.ok((await page.locator('.life pre').innerText()).includes(JSON.stringify(evil('value'))));
      await isOnlyText(page, fake.address);
      assert.deepEqual(complaints, []);
    });

    it('shows them as text in what the console answers, and in the filter of an address', async () => {
      const { page, fake } = await browser.open({ told: tellEvil });
      fake.refusal = { status: 503, error: evil('refusal') };
      const query = new URLSearchParams({
        subject: evil('typed'),
        workflow: evil('asked'),
        state: evil('state'),
      });
      await page.goto(`${fake.address}/#/mails?${query.toString()}`);
      await shows(page, 'refusal');
      assert.equal(await page.getByLabel('Subject').inputValue(), evil('typed'));
      await isOnlyText(page, fake.address);
      fake.refusal = { status: 401, error: evil('ended') };
      await page.goto(`${fake.address}/#/time`);
      await shows(page, 'ended');
      assert.equal(await page.locator('img, meta[http-equiv]').count(), 0);
    });

    it('goes on where the feed says what nobody can read', async () => {
      const { page, fake } = await browser.open();
      fake.feed.tell({ type: 'sync.progress', source: 4, data: { read: evil('read'), left: null } });
      fake.feed.tell({ type: 'email.updated', event: mailId(999), data: { state: evil('state') } });
      fake.changeSource(1, { says: 'It goes on.' });
      await page.getByText('It goes on.').waitFor();
    });
  });

  it('can be used with a keyboard alone', async () => {
    const { page, fake } = await browser.open({ right: null });
    // It has asked who comes before it asks for a token.
    await page.getByLabel('Token').and(page.locator(':focus')).waitFor();
    await page.keyboard.type(TOKENS.operate);
    await page.keyboard.press('Enter');
    await page.locator('[data-link="live"]').waitFor();
    const focused = page.locator(':focus');
    const tabTo = (text: string): Promise<unknown> =>
      until(`Tab leads to ${text}`, async () => {
        await page.keyboard.press('Tab');
        return (await focused.innerText().catch(() => '')).startsWith(text);
      });
    await tabTo('Skip to the content');
    await tabTo('Mails');
    await page.keyboard.press('Enter');
    await page.locator(`[data-mail="${mailId(999)}"]`).waitFor();
    assert.equal(await page.evaluate('document.activeElement.tagName'), 'MAIN');
    await tabTo('Order 4999');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    assert.equal(await focused.innerText(), 'Where is my parcel?');
    await page.keyboard.press('Enter');
    await page.locator('.life > li').first().waitFor();
    await tabTo('Retry now');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    assert.equal(await focused.innerText(), 'Cancel');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.equal(await focused.innerText(), 'Retry now');
    await page.keyboard.press('Enter');
    await dialog.waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await focused.innerText(), 'Retry now (1)');
    await page.keyboard.press('Enter');
    await page.getByText('1 mail made due.').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.opened').waitFor({ state: 'detached' });
    assert.equal(await focused.innerText(), 'Where is my parcel?');
    assert.ok(fake.asked.some(({ path }) => path === '/api/act'));
  });

  it('is light or dark as the system is, or as the reader says', async () => {
    const { page } = await browser.open({ colorScheme: 'dark' });
    const ground = (): Promise<unknown> => page.evaluate('getComputedStyle(document.body).backgroundColor');
    const dark = await ground();
    await page.getByLabel('Colours').selectOption('light');
    const light = await ground();
    assert.notEqual(light, dark);
    await page.reload();
    await page.locator('[data-link="live"]').waitFor();
    assert.equal(await ground(), light);
    await page.getByLabel('Colours').selectOption('system');
    assert.equal(await ground(), dark);
    await page.emulateMedia({ colorScheme: 'light' });
    assert.equal(await ground(), light);
  });

  const LOOKS: Readonly<Record<string, BrowserContextOptions>> = {
    light: { colorScheme: 'light' },
    dark: { colorScheme: 'dark' },
    'a phone': PHONE,
  };
  for (const [look, options] of Object.entries(LOOKS)) {
    it(`has nothing serious that axe finds, and nothing wider than the window: ${look}`, async () => {
      const axe = await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');
      const told = (fake: FakeConsole): void => {
        fake.jobs = [jobTold({ seen: 3 }), jobTold({ id: 'job-2', state: 'failed', error: 'It broke off.' })];
        fake.points = [
          {
            ...{ at: ago(7_200), recorded: 5, done: 3, failed: 2, dead: 1, waiting: 4 },
            ...{ untilRun: null, untilEnd: null },
          },
        ];
      };
      const { page, fake } = await browser.open({ ...options, told, right: null });
      const check = async (place: string): Promise<void> => {
        // It came with the page before.
        if (!(await page.evaluate('"axe" in window'))) await page.evaluate(axe);
        const wrong = await page.evaluate(`axe.run({ resultTypes: ['violations'] }).then(({ violations }) =>
          violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
            .map(({ id, nodes }) => id + ': ' + nodes.map(({ html, failureSummary }) => html + ' ' + failureSummary)))`);
        assert.deepEqual(wrong, [], place);
        // A phone's window becomes as wide as the page.
        const width = Number(await page.evaluate('document.documentElement.scrollWidth'));
        assert.ok(width <= page.viewportSize()!.width, `${place} is ${width} wide`);
      };
      await check('sign-in');
      await page.getByLabel('Token').fill(TOKENS.operate);
      await page.keyboard.press('Enter');
      await page.locator('.source').first().waitFor();
      await check('sources');
      const show = async (fragment: string, awaited: string): Promise<void> => {
        await page.goto(`${fake.address}/#/${fragment}`);
        await page.locator(awaited).first().waitFor();
      };
      await show('mails', '.mail');
      await page.getByText('More', { exact: true }).click();
      await check('mails');
      await show(`mails/${mailId(997)}`, '.life > li');
      await check('an opened mail');
      await page.getByRole('group', { name: 'Acts on this mail' }).getByRole('button').first().click();
      await page.getByRole('dialog').waitFor();
      await check('a question');
      await page.keyboard.press('Escape');
      await show('time', '.drawn canvas');
      await page.getByText('As numbers').first().click();
      await check('over time');
      await show('workflows', 'tbody tr');
      await check('workflows');
      fake.isAway = true;
      fake.feed.cut();
      await page.locator('.lost').waitFor();
      await check('without a connection');
    });
  }
});
