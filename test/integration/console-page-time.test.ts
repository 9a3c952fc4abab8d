// The console's page over time, in a real browser: what it draws, and the script that it asks for to draw it.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { type FakeConsole, TOKENS } from '../support/console/fake';
import { digestOf } from '../support/console/fake-page';
import { signIn } from '../support/console/in-n8n';
import { ConsoleBrowser, shows, type Opened } from '../support/console/open';
import { ago } from '../support/console/told';
import { until } from '../support/until';

describe("the console's page, over time", { timeout: 3 * 60_000 }, () => {
  let browser: ConsoleBrowser;

  before(async () => (browser = await ConsoleBrowser.start()));
  afterEach(() => browser.closePages());
  after(() => browser.dispose());

  const open = (wanted?: Parameters<ConsoleBrowser['open']>[0]): Promise<Opened> => browser.open(wanted);

  it('draws what came and how it went, and tells it in numbers', async () => {
    const point = { recorded: 5, done: 3, failed: 2, dead: 1, waiting: 4 };
    const spreads = { untilRun: { p50: 0.4, p95: 2 }, untilEnd: null };
    const { page, fake } = await open({
      at: '#/time',
      told: (fake) =>
        (fake.points = [7_200, 3_600].map((before) => ({ at: ago(before), ...point, ...spreads }))),
    });
    await until('four plots', async () => (await page.locator('.drawn canvas').count()) >= 4);
    const recorded = page.locator('.plot').first().locator('.legend li').first();
    await until('the sum', async () => (await recorded.innerText()).includes('recorded 10'));
    await page.locator('.plot').first().getByText('As numbers').click();
    const rows = page.locator('.plot').first().locator('tbody tr');
    await until('a row for each step', async () => (await rows.count()) === 2);
    await shows(page, 'at most 2.0 s');
    await shows(page, 'waiting or running 4 at the end');
    await page.getByRole('button', { name: 'Week' }).click();
    await until('by the hour', () =>
      fake.asked.some(({ path }) => path.includes('step=hour') && !path.includes('minute')),
    );
    assert.match(page.url(), /#\/time\?range=week$/);
  });

  describe('what draws over time', () => {
    const told = (fake: FakeConsole): void => {
      fake.points = [
        {
          at: ago(3_600),
          recorded: 5,
          done: 3,
          failed: 2,
          dead: 1,
          waiting: 4,
          untilRun: null,
          untilEnd: null,
        },
      ];
    };
    const complained = (complaints: readonly string[]): boolean =>
      complaints.some((text) => /Content Security Policy/.test(text));

    it('is asked for with the first of it, and once', async () => {
      const { page, fake, complaints } = await open({ told });
      assert.equal(await page.evaluate('typeof uPlot'), 'undefined');
      for (const _ of [1, 2]) {
        await page.getByRole('link', { name: 'Over time' }).click();
        await page.locator('.drawn canvas').first().waitFor();
        await page.getByRole('link', { name: 'Sources' }).click();
        await shows(page, 'AUTHENTICATIONFAILED');
      }
      assert.equal(fake.asked.filter(({ path }) => path.startsWith('/api/plots')).length, 1);
      assert.deepEqual(complaints, []);
    });

    it('is said to be of another version, with a reload, and the numbers are told all the same', async () => {
      const { page, fake } = await open({ at: '#/time', told, settings: { plots: 'sha256-older' } });
      await shows(page, /another version by now than this page/);
      await shows(page, 'recorded 5');
      assert.equal(await page.locator('.drawn canvas').count(), 0);
      fake.settings = { ...fake.settings, plots: digestOf(fake.plots) };
      await page.getByRole('button', { name: 'Reload the page' }).click();
      await page.locator('.drawn canvas').first().waitFor();
    });

    it('does not run where it is another than the policy knows', async () => {
      const evil = (fake: FakeConsole): void => {
        told(fake);
        fake.plots = 'self.uPlot = self.evil = class {};';
      };
      const { page, complaints } = await open({ at: '#/time', told: evil });
      await shows(page, /did not arrive as this page knows it/);
      assert.equal(await page.evaluate('typeof evil'), 'undefined');
      assert.ok(complained(complaints), complaints.join());
    });

    it('ends the session where that is over, as all else does', async () => {
      const { page, fake } = await open({ told });
      fake.refusal = { status: 401, error: 'This session is over.' };
      // Not clicked: what the page asks by itself may be refused before, and takes the link away.
      await page.evaluate("location.hash = '#/time'");
      await shows(page, 'This session is over.');
      fake.refusal = null;
      await signIn(page, TOKENS.read);
      await page.locator('.drawn canvas').first().waitFor();
    });
  });
});
