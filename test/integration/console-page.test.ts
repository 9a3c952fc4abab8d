// The console's page in a real browser, before a console that speaks its API: what people see, live, and what they can do.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { ViewRequest } from '../../engine/console/api';
import { TOKENS } from '../support/console/fake';
import { ConsoleBrowser, posted, shows, type Opened } from '../support/console/open';
import { ago, mailId, mailTold } from '../support/console/told';
import { until } from '../support/until';

describe("the console's page", { timeout: 5 * 60_000 }, () => {
  let browser: ConsoleBrowser;

  before(async () => (browser = await ConsoleBrowser.start()));
  afterEach(() => browser.closePages());
  after(() => browser.dispose());

  const open = (wanted?: Parameters<ConsoleBrowser['open']>[0]): Promise<Opened> => browser.open(wanted);
  it('is one document of at most 60 KB, packed, with one script and one style, that fetches nothing', () => {
    const { document } = browser;
    assert.ok(gzipSync(document).length <= 60_000, `${gzipSync(document).length} octets`);
    assert.equal(document.match(/<script/g)?.length, 1);
    assert.equal(document.match(/<style/g)?.length, 1);
    assert.equal(document.match(/<meta name="mail-console" content="">/g)?.length, 1);
    assert.doesNotMatch(document, /(src|href)="(?!data:)|@import|url\(/);
  });

  describe('the sign-in', () => {
    it('says that a token is none, lets a right one in, and keeps it out of the address', async () => {
      const { fake, page } = await open({ right: null });
      assert.equal(fake.asked.length, 0);
      await page.getByLabel('Token').fill('wrong');
      await page.keyboard.press('Enter');
      await shows(page, 'This token is not accepted.');
      await page.getByLabel('Token').fill(TOKENS.read);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('heading', { name: 'Sources' }).waitFor();
      assert.ok(!page.url().includes(TOKENS.read));
      assert.ok(fake.asked.every(({ path }) => !path.includes(TOKENS.read)));
    });

    it('is not needed again in the same tab, where the page has an origin of its own', async () => {
      const { page } = await open();
      await page.reload();
      await page.getByRole('heading', { name: 'Sources' }).waitFor();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByLabel('Token').waitFor();
      await page.reload();
      await page.getByLabel('Token').waitFor();
    });

    it('is there again, with the reason, when the token is refused later', async () => {
      const { fake, page } = await open();
      fake.refusal = { status: 401, error: 'This token has expired.' };
      // Not clicked: what the page asks by itself may be refused before, and takes the link away.
      await page.evaluate("location.hash = '#/mails'");
      await shows(page, 'This token has expired.');
      await page.getByLabel('Token').waitFor();
      assert.equal(await page.getByText('support@example.com').count(), 0);
    });
  });

  describe('in a home that gives it a session, where each hit is dear', () => {
    const settings = {
      bundled: true,
      hasStorage: false,
      session: { token: 'session-1', expires: new Date(Date.now() + 600_000).toISOString() },
    };

    it('needs no origin, asks once for a view and its feed, and once for another, and renews its session', async () => {
      const opened = await open({ settings });
      const { page, fake, complaints } = opened;
      await shows(page, /server refuses the login/);
      assert.equal(await page.evaluate('self.origin'), 'null');
      const paths = fake.asked.map(({ path }) => path);
      assert.deepEqual(paths, ['/api/view']);
      await page.getByRole('link', { name: 'Workflows' }).click();
      await shows(page, 'Fails every time');
      const { authorization } = fake.asked.at(-1)!;
      assert.equal(fake.asked.length, 2);
      assert.equal(authorization, 'Bearer the-next-session', 'a session is renewed while it holds');
      assert.deepEqual(complaints, []);
    });

    /** What was asked in the meantime, but for what is gathered for some seconds. */
    const cost = async ({ fake, page }: Opened, what: () => Promise<unknown>): Promise<readonly string[]> => {
      const before = fake.asked.length;
      await what();
      await page.waitForTimeout(1_500);
      return fake.asked.slice(before).map(({ path }) => path);
    };

    const isAgainLive = ({ page, fake }: Opened): Promise<unknown> =>
      until(
        'it is live',
        async () => fake.feed.clients === 1 && (await page.locator('[data-link="live"]').count()) === 1,
      );

    it('asks once for each view, whatever that shows, and once for each act', async () => {
      const opened = await open({ settings, at: `#/mails/${mailId(999)}` });
      const { page, fake } = opened;
      await shows(page, 'Its life');
      await page.waitForTimeout(1_500);
      assert.deepEqual(
        fake.asked.map(({ path }) => path),
        ['/api/view'],
      );
      const to = (view: string, shown: string | RegExp) => async (): Promise<void> => {
        await page.getByRole('navigation').getByRole('link', { name: view }).click();
        await shows(page, shown);
      };
      assert.deepEqual(await cost(opened, to('Over time', /Mails per/)), ['/api/batch']);
      assert.deepEqual(await cost(opened, to('Workflows', 'Fails every time')), ['/api/batch']);
      assert.deepEqual(await cost(opened, to('Mails', 'Order 4999')), ['/api/batch']);
      assert.deepEqual(await cost(opened, to('Sources', 'AUTHENTICATIONFAILED')), []);
      const look = async (): Promise<void> => {
        await page.getByRole('button', { name: /^Look now.*invoices@/ }).click();
        await shows(page, 'Asked:');
        fake.changeSource(3, { says: 'It was looked at.' });
      };
      assert.deepEqual(await cost(opened, look), ['/api/look']);
      await shows(page, 'It was looked at.');
      assert.equal(fake.asked.at(-1)!.path, '/api/batch');
    });

    it('asks once also where its script is slow', async () => {
      const { page, fake } = await open({ settings, at: `#/mails/${mailId(999)}`, slowness: 12 });
      await shows(page, 'Its life');
      assert.deepEqual(
        fake.asked.map(({ path }) => path),
        ['/api/view'],
      );
    });

    it('shows the job that an act on all has begun by its answer', async () => {
      const opened = await open({ settings, at: '#/mails?state=DEAD' });
      const { page } = opened;
      await page.getByRole('button', { name: 'Select all that the filter finds' }).click();
      await page.getByRole('button', { name: 'Replay', exact: true }).click();
      const replay = page.getByRole('dialog').getByRole('button', { name: /^Replay \(/ });
      await replay.waitFor();
      const yes = async (): Promise<void> => {
        await replay.click();
        await page.locator('.job').waitFor();
      };
      assert.deepEqual(await cost(opened, yes), ['/api/act']);
      const stop = async (): Promise<void> => {
        await page.locator('.job').getByRole('button', { name: 'Stop' }).click();
        await page.locator('.job[data-job="stopped"]').waitFor();
      };
      assert.deepEqual(await cost(opened, stop), ['/api/jobs/stop']);
    });

    it('asks once to connect anew, goes on where it was, and shows what came meanwhile', async () => {
      const opened = await open({ settings, at: '#/mails' });
      const { page, fake } = opened;
      await shows(page, 'Order 4999');
      fake.add(mailTold(1_000, { subject: 'Before the cut', state: 'PENDING' }));
      await shows(page, 'Before the cut');
      const again = async (): Promise<void> => {
        fake.feed.cut();
        fake.change(mailId(1_000), 'email.started', { state: 'RUNNING' });
        await page.locator(`[data-mail="${mailId(1_000)}"][data-state="RUNNING"]`).waitFor();
      };
      assert.deepEqual(await cost(opened, again), ['/api/view']);
      assert.deepEqual(fake.asked.at(-1)!.body, { asks: [], since: '1' });
    });

    it('asks along with the feed for what failed while nobody answered', async () => {
      const opened = await open({ settings });
      const { page, fake } = opened;
      await shows(page, /server refuses the login/);
      fake.isAway = true;
      fake.feed.cut();
      await shows(page, 'The connection to the console is lost.');
      await page.getByRole('link', { name: 'Workflows' }).click();
      await shows(page, 'The console does not answer.');
      const back = async (): Promise<void> => {
        fake.isAway = false;
        await isAgainLive(opened);
        await shows(page, 'Fails every time');
      };
      assert.deepEqual(await cost(opened, back), ['/api/view']);
      assert.deepEqual(fake.asked.at(-1)!.body, { asks: ['/api/triggers'], since: '0' });
      assert.equal(await page.getByText('The console does not answer.').count(), 0);
    });

    it('asks for everything anew, once, when what it missed is not kept any more', async () => {
      const opened = await open({ settings });
      const { page, fake } = opened;
      await shows(page, /server refuses the login/);
      fake.sources = fake.sources.map((source) => ({ ...source, says: 'Nobody told of this.' }));
      fake.feed.oldest = 10;
      const again = async (): Promise<void> => {
        fake.feed.cut();
        await shows(page, 'Nobody told of this.');
      };
      assert.deepEqual(await cost(opened, again), ['/api/view', '/api/batch']);
    });

    it('asks without the feed where something on the way holds that back', async () => {
      const { page, fake } = await open({ settings, told: (fake) => (fake.hasBuffer = true) });
      await shows(page, /server refuses the login/);
      assert.deepEqual(
        fake.asked.map(({ path }) => path),
        ['/api/view', '/api/batch'],
      );
      assert.deepEqual(fake.asked[1]!.body, {
        asks: ['/api/me', '/api/sources', '/api/statistics', '/api/outbox/count'],
      });
    });

    it('asks again, once, where what it asked breaks off', async () => {
      const { page, fake } = await open({ settings, right: null, told: (fake) => (fake.hasBuffer = true) });
      await until('it has asked', () => fake.asked.length === 1);
      fake.hasBuffer = false;
      fake.feed.cut();
      await shows(page, /server refuses the login/);
      assert.deepEqual(
        fake.asked.map(({ path }) => path),
        ['/api/view', '/api/view'],
      );
      const [asks, again] = fake.asked.map(({ body }) => (body as ViewRequest).asks);
      assert.deepEqual(again, asks);
    });

    it('is read again by a reload when its session has ended', async () => {
      const { page, fake } = await open({ settings });
      fake.refusal = { status: 401, error: 'The session has ended.' };
      await page.getByRole('link', { name: 'Workflows' }).click();
      await page.getByRole('button', { name: 'Reload' }).waitFor();
      assert.equal(await page.getByLabel('Token').count(), 0);
    });
  });

  describe('its sources', () => {
    it('tell broken from quiet by word, icon, colour and sentence, the broken one first', async () => {
      const { page } = await open();
      const looks = async (standing: string): Promise<string[]> => {
        const source = page.locator(`[data-standing="${standing}"]`);
        const place = `[data-standing="${standing}"] .source-standing`;
        const mark = page.locator(place);
        return [
          await mark.innerText(),
          (await mark.locator('path').getAttribute('d')) ?? '',
          await page.evaluate<string>(`getComputedStyle(document.querySelector('${place}')).color`),
          await source.locator('.says').innerText(),
        ];
      };
      const [broken, quiet] = [await looks('broken'), await looks('quiet')];
      for (const [at, look] of broken.entries()) assert.notEqual(look, quiet[at]);
      assert.equal(broken[0], 'Broken');
      assert.equal(quiet[0], 'Quiet');
      assert.equal(await page.locator('.source').first().getAttribute('data-standing'), 'broken');
      await shows(page, '1 source is broken: no mail comes from there.');
    });

    it('tell how far a backfill is, what waits offline, the next try and the last error', async () => {
      const { page } = await open();
      await shows(page, 'Older mail: 4,200 of about 12,000 read');
      await shows(page, /Offline: 3 waiting/);
      await shows(page, 'AUTHENTICATIONFAILED Invalid credentials');
      await shows(page, /in 1 min|in \d+ s/);
      const progress = page.getByRole('progressbar', { name: 'Older mail of archive@example.com' });
      assert.equal(await progress.getAttribute('value'), '4200');
    });

    it('are looked at, and tried again, at a click', async () => {
      const opened = await open();
      const { page } = opened;
      await page.getByRole('button', { name: /^Try again now.*support@/ }).click();
      await shows(page, 'Asked: support@example.com INBOX is looked at.');
      await page.getByRole('button', { name: /^Look now.*invoices@/ }).click();
      await until('both were asked', () => posted(opened, '/api/look').length === 2);
      assert.deepEqual(posted(opened, '/api/look'), [{ source: 2 }, { source: 3 }]);
    });

    it('heal and break before the eyes, in the title and in the text', async () => {
      const { page, fake } = await open();
      await until('the title says it', async () => (await page.title()) === '(1 broken) Mail Console');
      const healed = { standing: 'well', says: 'It is read as mail comes.', connection: 'idling' } as const;
      fake.changeSource(2, { ...healed, state: 'idle', actionsWaiting: 0 });
      await shows(page, 'All that is listened to is read. Nothing is broken.');
      assert.equal(await page.title(), 'Mail Console');
      fake.changeSource(1, { standing: 'broken', says: 'The server does not answer.', state: 'error' });
      await shows(page, 'The server does not answer.');
      assert.equal(await page.title(), '(1 broken) Mail Console');
    });

    it('tell the steps of a backfill as the feed does', async () => {
      const { page, fake } = await open();
      await shows(page, /4,200 of about/);
      fake.sources = fake.sources.map((source) => (source.id === 4 ? { ...source, backfill: null } : source));
      fake.feed.tell({ type: 'sync.progress', source: 4, data: { read: 9_000, left: 3_000 } });
      await shows(page, 'Older mail: 9,000 of about 12,000 read');
    });
  });

  describe('its connection', () => {
    it('is told when it is lost, heals by itself, and what came meanwhile is heard', async () => {
      const { page, fake } = await open({ at: '#/mails' });
      const mail = mailTold(1_000, { subject: 'Before the cut', state: 'PENDING' });
      fake.add(mail);
      await shows(page, 'Before the cut');
      fake.isAway = true;
      fake.feed.cut();
      await shows(page, 'The connection to the console is lost.');
      assert.match(await page.title(), /not connected/);
      fake.change(mailId(1000), 'email.started', { state: 'RUNNING' });
      fake.isAway = false;
      await page.locator('[data-link="live"]').waitFor();
      await page.locator(`[data-mail="${mailId(1000)}"][data-state="RUNNING"]`).waitFor();
      assert.equal(fake.feed.joined.at(-1), '1');
      assert.equal(await page.getByText('The connection to the console is lost.').count(), 0);
    });

    it('is made anew without a word when the feed ends it', async () => {
      const { page, fake } = await open();
      fake.feed.end();
      await until('it joined again', () => fake.feed.joined.length === 2 && fake.feed.clients === 1);
      fake.changeSource(1, { says: 'Told after the end.' });
      await shows(page, 'Told after the end.');
    });

    it('asks for everything anew when what it missed is not kept any more', async () => {
      const { page, fake } = await open();
      fake.changeSource(1, { says: 'Told before.' });
      await shows(page, 'Told before.');
      fake.isAway = true;
      fake.feed.cut();
      await shows(page, 'The connection to the console is lost.');
      fake.sources = fake.sources.map((source) => ({ ...source, says: 'Nobody told of this.' }));
      fake.feed.oldest = 10;
      fake.isAway = false;
      await shows(page, 'Nobody told of this.');
    });

    it('asks again by itself for what was not answered meanwhile', async () => {
      const { page, fake } = await open();
      fake.changeSource(1, { says: 'Heard.' });
      await shows(page, 'Heard.');
      fake.isAway = true;
      fake.feed.cut();
      await shows(page, 'The connection to the console is lost.');
      await page.getByRole('link', { name: 'Workflows' }).click();
      await shows(page, 'The console does not answer.');
      fake.isAway = false;
      await page
        .getByRole('button', { name: 'Connect now' })
        .click({ timeout: 2_000 })
        .catch(() => undefined);
      await shows(page, 'Fails every time');
      assert.equal(await page.getByText('The console does not answer.').count(), 0);
    });

    it('rests while the page is hidden, and goes on where it was', async () => {
      const { page, fake } = await open();
      fake.changeSource(1, { says: 'Seen.' });
      await shows(page, 'Seen.');
      const hide = (isHidden: boolean): Promise<unknown> =>
        page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true });
          document.dispatchEvent(new Event('visibilitychange'))`);
      await hide(true);
      await until('it has left', () => fake.feed.clients === 0);
      fake.changeSource(1, { says: 'Told while hidden.' });
      await hide(false);
      await shows(page, 'Told while hidden.');
      assert.equal(fake.feed.joined.at(-1), '1');
    });
  });

  describe('its workflows', () => {
    it('stand out where they fail every time, and lead to their mails', async () => {
      const { page, fake } = await open({ at: '#/workflows' });
      const first = page.locator('tbody tr').first();
      await first.getByText('Fails every time').waitFor();
      await first.getByText('401 - token has expired').waitFor();
      await first.getByRole('link', { name: '37' }).click();
      await until('its dead ones', () => page.url().endsWith('#/mails?workflow=w7Support&state=DEAD'));
      await page.goBack();
      await first.waitFor();
      fake.triggers = fake.triggers.map((trigger) => ({ ...trigger, lastDoneAt: ago(0), doneLately: 3 }));
      fake.change(mailId(991), 'email.done', { state: 'DONE' });
      await shows(page, 'Fails at times');
      assert.equal(await page.getByText('Fails every time').count(), 0);
    });
  });
});
