// The mails in the console's page, in a real browser: how they are found, seen live and told of, and what is done with them.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { TOKENS } from '../support/console/fake';
import { ConsoleBrowser, posted, shows, type Opened } from '../support/console/open';
import { ago, jobTold, mailId, mailsTold, mailTold } from '../support/console/told';
import { until } from '../support/until';

describe("the console's page", { timeout: 5 * 60_000 }, () => {
  let browser: ConsoleBrowser;

  before(async () => (browser = await ConsoleBrowser.start()));
  afterEach(() => browser.closePages());
  after(() => browser.dispose());

  const open = (wanted?: Parameters<ConsoleBrowser['open']>[0]): Promise<Opened> => browser.open(wanted);

  /** To the end of the list, which asks for older ones as it comes in sight. */
  const scrollToAll = (page: Page, mails: number): Promise<true> =>
    until('all are there', async () => {
      await page.mouse.wheel(0, 4_000);
      const count = await page.locator('.mail').count();
      if (count === mails) return true;
      const shown = await page.locator('main').innerText();
      throw new Error(`${count} mails, then: ${shown.slice(-100)}`);
    });

  describe('its mails', () => {
    it('are listed without an end, the newest first', async () => {
      const { page } = await open({ at: '#/mails' });
      await page.locator(`[data-mail="${mailId(999)}"]`).waitFor();
      assert.equal(await page.locator('.mail').first().getAttribute('data-mail'), mailId(999));
      await scrollToAll(page, 130);
      await shows(page, 'That is all.');
    });

    it('are listed without an end also where all is asked for anew while older ones are on their way', async () => {
      const opened = await open({ at: '#/mails' });
      const { page, fake } = opened;
      await page.locator(`[data-mail="${mailId(999)}"]`).waitFor();
      const held: (() => void)[] = [];
      await page.route(/\/api\/mails\?/, async (route) => {
        // Two are held, and none is taken from the browser's hands while it goes on: that may fail it.
        if (held.length < 2) await new Promise<void>((resolve) => held.push(resolve));
        await route.continue().catch(() => undefined);
      });
      await page.locator('.mail').nth(49).scrollIntoViewIfNeeded();
      await until('older ones are asked for', () => held.length === 1);
      fake.feed.oldest = 10;
      fake.feed.cut();
      await until('all is asked for anew', () => held.length === 2);
      for (const release of held) release();
      await scrollToAll(page, 130);
    });

    it('are listed without an end also where a busy page is told of its end out of sight and in sight at once', async () => {
      const { page } = await open({
        at: '#/mails',
        script: `
          const Observer = IntersectionObserver;
          IntersectionObserver = class extends Observer {
            constructor(told, options) {
              let kept = [];
              super((entries, observer) => {
                kept.push(...entries);
                if (kept.at(-1).isIntersecting) told(kept.splice(0), observer);
              }, options);
            }
          };
        `,
      });
      await page.locator(`[data-mail="${mailId(999)}"]`).waitFor();
      await scrollToAll(page, 130);
    });

    it('are seen to arrive, run, fail, and be done', async () => {
      const { page, fake } = await open({ at: '#/mails' });
      await page.locator(`[data-mail="${mailId(999)}"]`).waitFor();
      fake.add(mailTold(1_000, { subject: 'Just come', state: 'PENDING', executionId: null }));
      const row = page.locator(`[data-mail="${mailId(1000)}"]`);
      await row.getByText('Waiting', { exact: true }).waitFor();
      fake.change(mailId(1000), 'email.started', { state: 'RUNNING', attempt: 1 });
      await row.getByText('Running', { exact: true }).waitFor();
      fake.change(mailId(1000), 'email.failed', {
        state: 'RETRY',
        failures: 1,
        lastError: 'No such order',
        dueAt: ago(-30),
      });
      await row.getByText('Failed once: No such order').waitFor();
      fake.change(mailId(1000), 'email.done', { state: 'DONE' });
      await row.getByText('Done', { exact: true }).waitFor();
    });

    const subjects = (page: Page): Promise<string[]> => page.locator('.mail-subject').allInnerTexts();

    it('stand where they belong, whenever they come to fit the filter', async () => {
      const { page, fake } = await open({ at: '#/mails?state=DEAD' });
      await shows(page, 'Help with 991');
      // The newest but four, among those of one moment, and older than any that is shown.
      const moment = fake.mails.find(({ id }) => id === mailId(984))!.recordedAt;
      fake.mails = fake.mails.map((mail) =>
        mail.id === mailId(983) ? { ...mail, recordedAt: moment } : mail,
      );
      for (const late of [995, 983, 871])
        fake.change(mailId(late), 'email.dead', { state: 'DEAD', failures: 4, subject: `Late ${late}` });
      await shows(page, 'Late 871');
      const dead = Array.from({ length: 14 }, (_, at) => 991 - 9 * at);
      const wanted = [...dead.map((id) => `Help with ${id}`)];
      wanted.splice(1, 0, 'Late 983');
      assert.deepEqual(await subjects(page), ['Late 995', ...wanted, 'Late 871']);
    });

    it('stay where they are when they fit the filter no more, and others come in around them', async () => {
      const { page, fake } = await open({ at: '#/mails?state=DEAD' });
      await shows(page, 'Help with 991');
      for (const gone of [991, 982]) fake.change(mailId(gone), 'email.done', { state: 'DONE' });
      for (const late of [999, 986, 980])
        fake.change(mailId(late), 'email.dead', { state: 'DEAD', subject: `Late ${late}` });
      await shows(page, 'Late 980');
      assert.deepEqual((await subjects(page)).slice(0, 6), [
        ...['Late 999', 'Help with 991', 'Late 986', 'Help with 982', 'Late 980', 'Help with 973'],
      ]);
      await page.locator(`[data-mail="${mailId(991)}"][data-state="DONE"]`).waitFor();
    });

    it('are found beyond the first page where there was none at first', async () => {
      const { page, fake } = await open({ at: '#/mails?state=GONE' });
      await shows(page, 'No mail is found by this filter.');
      fake.mails = fake.mails.map((mail) => ({ ...mail, state: 'GONE' }));
      fake.change(mailId(999), 'email.updated', {});
      await until('all are there', async () => {
        await page.mouse.wheel(0, 4_000);
        return (await page.locator('.mail').count()) === 130;
      });
    });

    it('are filtered by the address, by fields that write it, and back', async () => {
      const { page } = await open({ at: '#/mails?state=DEAD' });
      await until('only dead ones', async () => (await page.locator('.mail').count()) === 14);
      await page.getByLabel('Subject').fill('help with 9');
      await page.keyboard.press('Enter');
      await until('fewer', async () => (await page.locator('.mail').count()) < 14);
      assert.match(page.url(), /#\/mails\?state=DEAD&subject=help\+with\+9$/);
      await page.goBack();
      await until('all dead ones', async () => (await page.locator('.mail').count()) === 14);
      assert.equal(await page.getByLabel('Subject').inputValue(), '');
      await page.getByRole('button', { name: 'Clear the filter' }).click();
      await page.locator(`[data-mail="${mailId(999)}"]`).waitFor();
      await page.getByLabel('Mailbox').selectOption('2');
      await until('those of a mailbox', async () => (await page.locator('.mail').count()) === 15);
      await page.getByText('More', { exact: true }).click();
      await page.getByLabel('Failed at least (times)').fill('4');
      await page.keyboard.press('Enter');
      await until('those that failed often', async () => (await page.locator('.mail').count()) === 14);
      await page.getByLabel('Category').fill('a:b');
      await page.keyboard.press('Enter');
      await until('an annotation is in the address', () => page.url().includes('annotation=%3Aa%253Ab%3A'));
    });

    it('have a life, told as a line in time, with links to their executions', async () => {
      const { page, fake } = await open({ at: '#/mails' });
      await page.getByRole('link', { name: 'Where is my parcel?' }).click();
      const life = page.locator('.life > li');
      await life.first().waitFor();
      const told = (await life.allInnerTexts()).map((text) => text.split('\n')[0]);
      assert.deepEqual(told, [
        'Received by the mail server',
        'Recorded',
        'Try 1: claimed by a run',
        'Try 1: failed',
        'triage · complaint · high',
        'Next try',
      ]);
      const link = page.getByRole('link', { name: /^Execution 8000/ });
      assert.equal(
        await link.getAttribute('href'),
        'https://n8n.example.com/workflow/w7Support/executions/8000',
      );
      assert.equal(await link.getAttribute('rel'), 'noopener noreferrer');
      fake.change(mailId(997), 'email.started', {
        state: 'RUNNING',
        attempt: 2,
        beganAt: ago(0),
        executionId: '9555',
      });
      await shows(page, 'Try 2: a run has it');
    });
  });

  describe('its acts', () => {
    it('are not shown to who may only look', async () => {
      const { page } = await open({ right: 'read', at: `#/mails/${mailId(995)}` });
      await page.locator('.life > li').first().waitFor();
      await shows(page, 'read only');
      for (const name of ['Replay', 'Retry now', 'Mark done', 'Forget content'])
        assert.equal(await page.getByRole('button', { name }).count(), 0);
      assert.equal(await page.getByRole('checkbox').count(), 0);
      await page.goto(page.url().replace(/#.*/, '#/'));
      await page.getByRole('link', { name: 'Its mails' }).first().waitFor();
      assert.equal(await page.getByRole('button', { name: /Look now|Try again now/ }).count(), 0);
    });

    it('are done with one mail after it was asked, and not when it was answered no', async () => {
      const opened = await open({ at: `#/mails/${mailId(991)}` });
      const { page } = opened;
      const one = page.getByRole('group', { name: 'Acts on this mail' });
      await one.getByRole('button', { name: 'Forget content' }).click();
      await shows(page, /cannot be taken back/);
      await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
      await one.getByRole('button', { name: 'Replay' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Replay (1)' }).click();
      await shows(page, '1 mail replayed.');
      assert.deepEqual(posted(opened, '/api/act'), [{ action: 'replay', ids: [mailId(991)], state: 'DEAD' }]);
      assert.equal(await one.getByRole('button', { name: 'Retry now' }).count(), 0);
    });

    it('are not asked for any more where one goes elsewhere, or has to sign in again', async () => {
      const { page, fake } = await open({ at: '#/mails' });
      await page.goto(page.url().replace(/#.*/, '#/mails?state=DEAD'));
      const ask = async (): Promise<void> => {
        await page.getByRole('button', { name: 'Select all that the filter finds' }).click();
        await page.getByRole('button', { name: 'Replay', exact: true }).click();
        await page.getByRole('dialog').waitFor();
      };
      await ask();
      await page.goBack();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await page.goForward();
      await ask();
      fake.refusal = { status: 401, error: 'This token has expired.' };
      fake.change(mailId(999), 'email.done', { state: 'DONE' });
      await shows(page, 'This token has expired.');
      fake.refusal = null;
      await page.getByLabel('Token').fill(TOKENS.operate);
      await page.keyboard.press('Enter');
      await shows(page, 'Help with 991');
      assert.equal(await page.getByRole('dialog').count(), 0);
    });

    it('tell how far they came where a later part of a selection is refused', async () => {
      const { page, fake } = await open({ at: '#/mails', told: (fake) => (fake.mails = mailsTold(260)) });
      await until('all are there', async () => {
        await page.mouse.wheel(0, 4_000);
        return (await page.locator('.mail').count()) === 260;
      });
      await page.getByRole('checkbox', { name: 'Select all that is shown' }).check();
      await page.getByRole('button', { name: 'Mark done', exact: true }).click();
      fake.afterAct = () => (fake.refusal = { status: 503, error: 'The ledger is busy.' });
      await page.getByRole('button', { name: 'Mark done (260)' }).click();
      await shows(page, '200 mails marked done.');
      await shows(page, 'The ledger is busy.');
    });

    it('are done with a selection', async () => {
      const opened = await open({ at: '#/mails?state=DEAD' });
      const { page } = opened;
      await page.getByRole('checkbox', { name: 'Select: Help with 991' }).check();
      await page.getByRole('checkbox', { name: 'Select: Help with 982' }).check();
      await shows(page, '2 mails selected');
      await page.getByRole('button', { name: 'Mark done' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Mark done (2)' }).click();
      await shows(page, '2 mails marked done.');
      assert.deepEqual(posted(opened, '/api/act'), [{ action: 'markDone', ids: [mailId(991), mailId(982)] }]);
      await shows(page, 'None selected');
    });

    it('are done with all that the filter finds: counted, asked, shown as they go, and stopped', async () => {
      const opened = await open({ at: '#/mails?state=DEAD&workflow=w7Support' });
      const { page, fake } = opened;
      await page.getByRole('button', { name: 'Select all that the filter finds' }).click();
      await page.getByRole('button', { name: 'Replay' }).click();
      const dialog = page.getByRole('dialog', { name: 'Replay: all 14 mails that the filter finds?' });
      await dialog.getByText('State: Dead').waitFor();
      await dialog.getByText(/^Workflow: w7Support/).waitFor();
      await dialog.getByRole('button', { name: 'Replay (14)' }).click();
      await shows(page, '0 of 14 looked at, 0 changed');
      const filter = { state: 'DEAD', workflow: 'w7Support' };
      assert.deepEqual(posted(opened, '/api/act'), [{ action: 'replay', filter, count: 14 }]);
      fake.jobs = fake.jobs.map((job) => ({ ...job, seen: 9, changed: 8 }));
      await shows(page, '9 of 14 looked at, 8 changed');
      await page.getByRole('button', { name: 'Stop' }).click();
      await page.locator('[data-job="stopped"]').waitFor();
      assert.deepEqual(posted(opened, '/api/jobs/stop'), [{ job: 'job-1' }]);
    });

    it('are told of as cut off where the console knows nothing any more of one that was under way', async () => {
      const others = jobTold({ id: 'of-others', action: 'markDone', seen: 200, changed: 150 });
      const ended = jobTold({ id: 'ended', action: 'forget', state: 'done', seen: 500 });
      const { page, fake } = await open({ at: '#/mails', told: (fake) => (fake.jobs = [others, ended]) });
      await shows(page, '200 of 500 looked at, 150 changed');
      await page.locator('[data-job="done"]').waitFor();
      fake.isAway = true;
      fake.feed.cut();
      await shows(page, 'The connection to the console is lost.');
      assert.equal(await page.locator('[data-job="cut"]').count(), 0);
      fake.jobs = [];
      fake.isAway = false;
      await shows(page, /^n8n was ended while it was under way. Nothing of it goes on by itself./);
      await page.locator('[data-job="cut"]').getByText('200 of 500 looked at, 150 changed').waitFor();
      assert.equal(await page.locator('.job').count(), 1, 'of what has ended nothing is to be told');
      // It is still to be seen in another view and back, until somebody has seen it.
      await page.getByRole('link', { name: 'Workflows' }).click();
      await page.goBack();
      await page.getByRole('button', { name: 'Hide: Mark done, cut off' }).click();
      await until('it is gone', async () => (await page.locator('.job').count()) === 0);
    });

    it('are told of as cut off also where nothing was heard of one since it was begun', async () => {
      const { page, fake } = await open({ at: '#/mails?state=DEAD' });
      await page.getByRole('button', { name: 'Select all that the filter finds' }).click();
      await page.getByRole('button', { name: 'Replay' }).click();
      await page.getByRole('button', { name: 'Replay (14)' }).waitFor();
      fake.forgetsJobs = true;
      await page.getByRole('button', { name: 'Replay (14)' }).click();
      await page.locator('[data-job="cut"]').getByText('0 of 14 looked at, 0 changed').waitFor();
    });

    it('of others are seen, too, with who asked, and an error is told', async () => {
      const failed = jobTold({
        state: 'failed',
        by: 'console (operate)',
        error: 'The ledger cannot be reached.',
      });
      const { page, fake } = await open({ at: '#/mails', told: (fake) => (fake.jobs = [failed]) });
      await shows(page, 'The ledger cannot be reached.');
      await shows(page, /console \(operate\)/);
      fake.refusal = { status: 503, error: 'The ledger is busy.' };
      await page.getByRole('checkbox').nth(1).check();
      await page.getByRole('button', { name: 'Replay', exact: true }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Replay (1)' }).click();
      await shows(page, 'The ledger is busy.');
    });
  });
});
