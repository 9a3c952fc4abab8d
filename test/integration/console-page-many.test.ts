// The console's page with very many mailboxes and workflows, and with names as long as names can be: it stays usable.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import type { FakeConsole } from '../support/console/fake';
import { ConsoleBrowser, shows } from '../support/console/open';
import { ago, jobTold, mailId, mailTold, noteTold, sourceTold, triggerTold } from '../support/console/told';
import { until } from '../support/until';

const MANY = 10_000;
/** Drawn with all of them it has 430,000 elements, and the browser does not answer for half a minute (measured). */
const MOST_ELEMENTS = 8_000;

const elementsOf = (page: Page): Promise<number> => page.locator('*').count();

describe("the console's page", { timeout: 5 * 60_000 }, () => {
  let browser: ConsoleBrowser;

  before(async () => (browser = await ConsoleBrowser.start()));
  afterEach(() => browser.closePages());
  after(() => browser.dispose());

  describe('with ten thousand sources', () => {
    const told = (fake: FakeConsole): void => {
      fake.sources = Array.from({ length: MANY }, (_, at) =>
        sourceTold(at + 1, { account: `box-${at}@example.com`, workflowIds: [`w${at}`] }),
      );
      fake.triggers = Array.from({ length: MANY }, (_, at) =>
        triggerTold({ workflowId: `w${at}`, nodeName: `Mail ${at}` }),
      );
    };

    it('draws those that need somebody and as many as are asked for, and finds each by its name', async () => {
      const { page, fake } = await browser.open({ told });
      await page.locator('.source').first().waitFor();
      assert.ok((await elementsOf(page)) < MOST_ELEMENTS);
      await page.getByRole('button', { name: 'Show 100 more of 9,900' }).click();
      await page.getByRole('button', { name: 'Show 100 more of 9,800' }).waitFor();
      assert.equal(await page.locator('.source').count(), 200);
      fake.changeSource(9_000, { standing: 'broken', says: 'The server does not answer.' });
      await page.locator('.source').first().getByText('box-8999@example.com').first().waitFor();
      await page.getByLabel('Find a mailbox').fill('BOX-777');
      await shows(page, '11 sources found');
      await until('all of them are drawn', async () => (await page.locator('.source').count()) === 11);
      await page
        .locator('.source')
        .filter({ hasText: 'box-7777@' })
        .getByRole('link', { name: 'Its mails' })
        .click();
      await until('its mails are looked for', () => page.url().endsWith('#/mails?source=7778'));
      assert.equal(
        await page.getByLabel('Mailbox').locator(':checked').innerText(),
        'box-7777@example.com INBOX',
      );
    });

    it('lets one choose among some, and says where the others are', async () => {
      const { page } = await browser.open({ told, at: '#/mails' });
      const choice = page.getByLabel('Mailbox').locator('option');
      await until('they are known', async () => (await choice.count()) > 2);
      assert.match(await choice.last().innerText(), /^9,700 more: choose in Sources$/);
      for (const view of ['Mails', 'Over time', 'Workflows']) {
        await page.getByRole('link', { name: view, exact: true }).click();
        await page.getByRole('heading', { name: view, level: 1 }).waitFor();
        await page.waitForTimeout(200);
        assert.ok((await elementsOf(page)) < MOST_ELEMENTS, view);
      }
      await page.getByRole('button', { name: 'Show 100 more of 9,900' }).click();
      await until('there are more', async () => (await page.locator('tbody tr').count()) === 200);
    });
  });

  describe('with names without a space, and text from right to left', () => {
    const long = (name: string): string => name + 'x'.repeat(300);
    const tellLong = (fake: FakeConsole): void => {
      const place = { account: long('account'), mailbox: long('mailbox') };
      fake.sources = [
        sourceTold(1, { ...place, lastError: long('error'), actionsWaiting: 1, actionError: long('action') }),
      ];
      fake.triggers = [
        {
          ...triggerTold({ nodeName: long('node'), lastError: long('error') }),
          failedLately: 1,
          lastFailedAt: ago(1),
        },
      ];
      fake.jobs = [jobTold({ state: 'failed', error: long('job'), filter: { subject: long('filter') } })];
      fake.mails = [
        mailTold(1, {
          ...place,
          ...{ nodeName: long('node'), subject: long('subject'), sender: long('sender'), state: 'DEAD' },
          ...{ failures: 1, lastError: long('error'), messageId: long('message') },
          annotations: [noteTold({ category: long('category'), summary: long('summary') })],
        }),
      ];
    };
    const SIZES = { 'a wide window': 1280, 'a phone': 390, 'the narrowest': 320 };
    for (const [size, width] of Object.entries(SIZES)) {
      it(`is nowhere wider than the window: ${size}`, async () => {
        const { page, fake } = await browser.open({ told: tellLong, viewport: { width, height: 800 } });
        const query = new URLSearchParams({ subject: long('subject'), workflow: long('workflow') });
        const views = ['', 'mails', `mails/${mailId(1)}`, 'workflows', 'time', `mails?${query.toString()}`];
        for (const view of views) {
          await page.goto(`${fake.address}/#/${view}`);
          await page
            .locator(view.includes('/') ? '.life > li' : 'main h1')
            .first()
            .waitFor();
          await page.waitForTimeout(200);
          const wider = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
          assert.ok(Number(wider) <= 0, `${view}: ${String(wider)}`);
          // What scrolls by itself may be wider within.
          const panel = '.opened, dialog, .mail, .source';
          const spills = await page.evaluate(`[...document.querySelectorAll('${panel}')]
            .filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.className)`);
          assert.deepEqual(spills, [], view);
        }
        await page.goto(`${fake.address}/#/mails/${mailId(1)}`);
        await page.getByRole('group', { name: 'Acts on this mail' }).getByRole('button').first().click();
        const dialog = await page.getByRole('dialog').boundingBox();
        assert.ok(dialog && dialog.x >= 0 && dialog.x + dialog.width <= width);
      });
    }

    it('shows each text by its own direction, and turns nothing else around', async () => {
      const hebrew = 'שלום 42 (abc) ';
      // Somebody tries to write the rest of the row backwards.
      const overriding = '\u202Egnp.eciovni';
      const { page } = await browser.open({
        at: '#/mails',
        told: (fake) => {
          const place = { account: hebrew, mailbox: overriding, nodeName: hebrew };
          fake.mails = [
            mailTold(1, { subject: 'Plain', sender: 'ann@example.com' }),
            mailTold(2, {
              ...place,
              subject: hebrew,
              sender: overriding,
              state: 'DEAD',
              failures: 2,
              lastError: overriding,
            }),
            mailTold(3, {
              ...place,
              subject: overriding,
              sender: hebrew,
              annotations: [noteTold({ category: hebrew })],
            }),
          ];
          fake.sources = [sourceTold(1, { account: overriding, mailbox: hebrew })];
        },
      });
      await page.locator('.mail').nth(2).waitFor();
      const places = async (row: number): Promise<unknown> =>
        page.evaluate(`[...document.querySelectorAll('.mail')[${row}].children]
          .filter((cell) => !cell.matches('.mail-trouble')).map((cell) => Math.round(cell.getBoundingClientRect().x))`);
      const plain = await places(2);
      assert.deepEqual(await places(1), plain);
      assert.deepEqual(await places(0), plain);
      const directionOf = (row: number): Promise<unknown> =>
        page.evaluate(`getComputedStyle(document.querySelectorAll('.mail-subject')[${row}]).direction`);
      assert.equal(await directionOf(1), 'rtl');
      assert.equal(await directionOf(2), 'ltr');
      // What follows a text that turns around still stands to its right.
      const trouble = page.locator('.mail-trouble').first();
      const [around, within] = await Promise.all([
        trouble.boundingBox(),
        trouble.locator('bdi').boundingBox(),
      ]);
      assert.ok(within!.x > around!.x + 20, 'the page speaks first');
      const isolated = await page.evaluate(`[...document.querySelectorAll('main *')].filter((element) =>
        [...element.childNodes].some((node) => node.nodeType === 3 && node.data.includes('\\u202E')) &&
        element.localName !== 'option' && !/isolate|plaintext/.test(getComputedStyle(element).unicodeBidi))
        .map(({ outerHTML }) => outerHTML)`);
      assert.deepEqual(isolated, []);
    });
  });

  it('keeps what the keyboard leads to in sight, and the place of the focus after a question', async () => {
    const { page } = await browser.open({ at: '#/mails?state=DEAD' });
    await page.setViewportSize({ width: 1280, height: 300 });
    await page.locator('.mail').nth(13).waitFor();
    await page.locator('.mail-subject').last().focus();
    const isSeen = `(() => {
      const { x, y, height } = document.activeElement.getBoundingClientRect();
      return document.activeElement.contains(document.elementFromPoint(x + 5, y + height / 2));
    })()`;
    for (let row = 0; row < 13; row += 1) {
      await page.keyboard.press('ArrowUp');
      assert.equal(await page.evaluate(isSeen), true, `row ${row} from the end`);
    }
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Space');
    await page.keyboard.press('Shift+Tab');
    await page.getByRole('button', { name: 'Replay', exact: true }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    const isWithin =
      "document.querySelector('dialog').contains(document.activeElement) || document.activeElement === document.body";
    for (let times = 0; times < 5; times += 1) {
      await page.keyboard.press('Tab');
      assert.equal(await page.evaluate(isWithin), true);
    }
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.equal(await page.locator(':focus').innerText(), 'Replay');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Replay (1)' }).press('Enter');
    await shows(page, '1 mail replayed.');
    // Nothing is selected any more, and the next step leads on from there.
    await page.keyboard.press('Tab');
    assert.match(
      String(await page.evaluate('document.activeElement.closest(".acts, .mails, main")?.className')),
      /acts|mails/,
    );
  });
});
