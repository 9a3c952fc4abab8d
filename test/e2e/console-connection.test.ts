// The console where its connection is bad, or ends: clients that do not read, a proxy that breaks off, a session that is over, an
// n8n that is killed while it does what was asked for. A real n8n with its editor, a real mail server, a real browser.
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import type { CountAnswer, JobsAnswer } from '../../engine/console/api';
import { keptTokens } from '../../engine/console/kept-tokens';
import { Sessions } from '../../engine/console/sessions';
import { Cleanup } from '../support/cleanup';
import { ConsoleInN8n, signIn, wasNotLoadedAgain } from '../support/console/in-n8n';
import { shows } from '../support/console/open';
import { RawFeed } from '../support/console/raw-feed';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { N8n } from '../support/n8n';
import { freePort, TcpProxy } from '../support/net';
import { Sink } from '../support/sink';
import { until } from '../support/until';
import { mailWorkflow, postMail } from '../support/workflows';

const PATIENCE_MS = 60_000;
const MANY = 500;
/** As long as a subject in the feed may be, in letters of three octets: a few thousand events are more than a system keeps. */
const LONG = '長'.repeat(480);

describe("the console's connection in n8n", { timeout: 15 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let n8n: N8n;
  let dovecot: Dovecot;
  let sink: Sink;
  let seen: ConsoleInN8n;
  let port: number;
  let orders: string;

  before(async () => {
    port = await freePort();
    const environment = {
      DURABLE_MAIL_CONSOLE_PORT: String(port),
      DURABLE_MAIL_CONSOLE_OPEN_HEALTH: 'true',
    };
    dovecot = await cleanup.of(Dovecot.start());
    sink = await cleanup.of(Sink.start());
    n8n = await cleanup.of(N8n.start(environment, { withEditor: true }));
    seen = await cleanup.of(ConsoleInN8n.start(n8n, port));
    orders = await mailWorkflow(n8n, dovecot.login('orders'), [postMail(sink)], {
      options: { retrySchedule: '', mailsPerRunAutomatic: true },
    });
    const since = Date.now();
    await n8n.api.publish(orders);
    await n8n.watching(orders, PATIENCE_MS, since);
  });
  after(() => cleanup.run());

  const countOf = async (state?: string): Promise<number> =>
    (await seen.ask<CountAnswer>(`/api/count?workflow=${orders}${state ? `&state=${state}` : ''}`)).count;

  const post = async (path: string, body: object): Promise<void> => {
    const headers = { authorization: `Bearer ${await seen.token()}`, 'content-type': 'application/json' };
    const answer = await fetch(seen.address + path, { method: 'POST', headers, body: JSON.stringify(body) });
    assert.equal(answer.status, 200, await answer.text());
  };

  const arrive = (...subjects: string[]): Promise<void> =>
    dovecot.append(
      'orders',
      subjects.map((subject) => rawMail({ subject })),
    );

  const rowOf = (page: Page, subject: string, state: string): Promise<void> =>
    page.locator(`.mail[data-state="${state}"]`).filter({ hasText: subject }).waitFor();

  it('leads from each execution that it tells of to that execution in the editor', async () => {
    let tries = 0;
    sink.answer = () => (++tries === 1 ? 500 : 200);
    await arrive('Two executions');
    const page = await seen.open('#/mails');
    await rowOf(page, 'Two executions', 'DEAD');
    await page.getByRole('link', { name: 'Two executions' }).click();
    await page
      .getByRole('group', { name: 'Acts on this mail' })
      .getByRole('button', { name: 'Replay' })
      .click();
    await page.getByRole('dialog').getByRole('button', { name: 'Replay (1)' }).click();
    await shows(page, 'Try 2: done');
    sink.reset();
    await logInToEditor(page.context());
    const links = page.locator('.life a.out');
    const told = await links.allInnerTexts();
    assert.equal(new Set(told).size, 2, told.join());
    for (const [at, text] of told.entries()) {
      const id = /Execution (\d+)/.exec(text)![1]!;
      const opening = page.context().waitForEvent('page');
      await links.nth(at).click();
      const editor = await opening;
      const details = editor.locator(`[data-test-id="execution-preview-details-${id}"]`);
      await details
        .getByText(at === 0 ? /error|failed/i : /succe/i)
        .first()
        .waitFor();
      assert.match(editor.url(), new RegExp(`/workflow/${orders}/executions/${id}(\\?|$)`));
      assert.equal(await editor.evaluate('self.opener'), null);
      await editor.close();
    }
    await page.context().close();
  });

  it('cuts clients that do not read, and tells them later what one that always read was told', async () => {
    const token = await seen.token('read');
    const first = await RawFeed.join(port, token, null);
    await arrive('The first');
    await until('something was told', () => first.last !== null, PATIENCE_MS);
    const from = first.heard[0]!.id;
    await first.close();
    const cutBefore = await cutClients();
    const [always, live] = [await RawFeed.join(port, token, from), await RawFeed.join(port, token, from)];
    live.pause();
    await arrive(...Array.from({ length: MANY }, (_, at) => `${at} ${LONG}`));
    const allAreDone = (): Promise<unknown> =>
      until('all are done', async () => (await countOf('DONE')) >= MANY + 2, 3 * PATIENCE_MS);
    await allAreDone();
    // Each is told of again when it is replayed, begins, and is done.
    for (let times = 0; times < 3; times += 1) {
      const filter = { workflow: orders, state: 'DONE' };
      await post('/api/act', { action: 'replay', filter, count: await countOf('DONE') });
      await until(
        'they were replayed',
        async () => (await seen.ask<JobsAnswer>('/api/jobs')).jobs[0]!.state === 'done',
      );
      await allAreDone();
    }
    const late = await RawFeed.join(port, token, from);
    late.pause();
    await until('both were cut', async () => (await cutClients()) - cutBefore === 2, PATIENCE_MS);
    await arrive('The last');
    const last = await until(
      'the last is done',
      async () => {
        const id = (await n8n.events()).at(-1)!.id;
        return always.heard.some(({ type, event }) => type === 'email.done' && event === id) && always.last;
      },
      PATIENCE_MS,
    );
    for (const slow of [live, late]) {
      slow.resume();
      await until('its connection is over', () => slow.isClosed);
      assert.equal(slow.status, '200 OK');
      assert.ok(slow.heard.length < always.heard.length, 'it was cut before its end');
      const again = await RawFeed.join(port, token, slow.last ?? from);
      await until('it has heard all', () => again.heard.some(({ id }) => id === last), PATIENCE_MS);
      const ids = [...slow.heard, ...again.heard].map(({ id }) => id);
      assert.deepEqual(
        upTo(last, ids),
        upTo(
          last,
          always.heard.map(({ id }) => id),
        ),
      );
      assert.equal(new Set(ids).size, ids.length);
      await again.close();
    }
    await always.close();
  });

  it('says that it is lost behind a proxy that breaks off, heals by itself, and shows what came meanwhile', async () => {
    let proxy = await TcpProxy.to(port);
    const at = proxy.port;
    const page = await seen.page();
    try {
      await page.goto(`http://127.0.0.1:${at}/#/mails`);
      await signIn(page, await seen.token());
      await page.locator('[data-link="live"]').waitFor();
      await page.evaluate("self.mark = 'never loaded again'");
      await arrive('Before it broke');
      await rowOf(page, 'Before it broke', 'DONE');
      const answers: ((status: number) => void)[] = [];
      sink.answer = () => new Promise((resolve) => void answers.push(resolve));
      await arrive('Under way');
      await rowOf(page, 'Under way', 'RUNNING');
      await proxy.close();
      await shows(page, 'The connection to the console is lost.');
      await page.locator('[data-link="lost"]').waitFor();
      await arrive('Came meanwhile');
      await until('both run', () => answers.length === 2, PATIENCE_MS);
      for (const answer of answers) answer(200);
      sink.reset();
      await until('all are done', async () => (await countOf('RUNNING')) === 0, PATIENCE_MS);
      proxy = await TcpProxy.to(port, at);
      await page.locator('[data-link="live"]').waitFor();
      await rowOf(page, 'Came meanwhile', 'DONE');
      await rowOf(page, 'Under way', 'DONE');
      assert.equal(await page.getByText('The connection to the console is lost.').count(), 0);
      // Cut, and let in again at once: there is nothing to be told of, and nothing is missed.
      proxy.cut();
      await arrive('After the cut');
      await rowOf(page, 'After the cut', 'DONE');
      await wasNotLoadedAgain(page);
    } finally {
      await page.context().close();
      await proxy.close();
    }
  });

  it('asks for a token again when its own is over, says why, and goes on where it was', async () => {
    const { sessionKey } = await keptTokens({ setting: () => undefined, folder: seen.folder });
    const session = new Sessions(sessionKey, () => Date.now() - 15 * 60_000 + 30_000).begin('operate').token;
    const page = await seen.page();
    await page.goto(`${seen.address}/#/mails?state=DONE&workflow=${orders}`);
    await signIn(page, session);
    await page.getByRole('link', { name: 'Came meanwhile' }).click();
    await shows(page, 'Try 1: done');
    const where = page.url();
    const goesOn = async (): Promise<void> => {
      await page.locator('.opened').getByRole('heading', { name: 'Came meanwhile' }).waitFor();
      await shows(page, 'Try 1: done');
      assert.equal(page.url(), where);
      assert.equal(await page.locator('.mail:not([data-state="DONE"])').count(), 0);
      assert.equal(
        await page.getByRole('button', { name: 'Done', exact: true }).getAttribute('aria-pressed'),
        'true',
      );
    };
    await goesOn();
    await arrive('Comes while it is over');
    // Whatever is asked next is refused.
    await page.getByLabel('Token').waitFor();
    await shows(page, 'This session is over. Log in again');
    assert.equal(await page.getByText('Came meanwhile').count(), 0);
    await signIn(page, 'a wrong token, surely');
    await shows(page, /is none of the console/);
    await signIn(page, await seen.token());
    await goesOn();
    await rowOf(page, 'Comes while it is over', 'DONE');
    await page.evaluate("self.mark = 'never loaded again'");
    // Somebody sets another token: it counts from the next start, and ends what was begun with the one before.
    const anew = 'another token that nobody has seen';
    await n8n.down('SIGTERM');
    await writeFile(join(seen.folder, 'console-operate-token'), anew.replaceAll(' ', '-'));
    await n8n.up();
    await shows(page, /is none of the console/);
    await signIn(page, await seen.token());
    await goesOn();
    await wasNotLoadedAgain(page);
    await page.context().close();
  });

  it('says that a job was cut off when n8n is killed: what was replayed runs once, and the rest is as it was', async () => {
    sink.reset();
    sink.answer = () => 500;
    const marked = 'To be replayed';
    await arrive(...Array.from({ length: MANY }, (_, at) => `${marked} ${at}`));
    await until('all are dead', async () => (await countOf('DEAD')) === MANY, 3 * PATIENCE_MS);
    sink.reset();
    // What is replayed is not to run before it is known what was.
    await n8n.api.unpublish(orders);
    const page = await seen.open(`#/mails?state=DEAD&workflow=${orders}`);
    // A disk on which each mail takes its time: else it is over before anybody can kill it.
    const ledger = (): DatabaseSync =>
      new DatabaseSync(join(seen.folder, 'ledger.sqlite'), { timeout: 20_000 });
    const slow = ledger();
    slow.exec(`
      create trigger slow_disk after update of state on event when old.state = 'DEAD' and new.state = 'PENDING'
      begin select count(*) from (with recursive n(i) as (select 1 union all select i + 1 from n where i < 40000)
        select i from n); end`);
    slow.close();
    await page.getByRole('button', { name: 'Select all that the filter finds' }).click();
    await page.getByRole('button', { name: 'Replay', exact: true }).click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: `Replay (${MANY})` })
      .click();
    await page
      .locator('[data-job="running"]')
      .getByText(/^[1-9]\d* of 500 looked at/)
      .waitFor();
    await n8n.down('SIGKILL');
    const fast = ledger();
    fast.exec('drop trigger slow_disk');
    fast.close();
    const marks = async (): Promise<Record<string, string>> => {
      const rows = await n8n.ledger<{ subject: string; state: string }>(`
        select subject, state from event join message on message.id = message_id where subject like '${marked}%'`);
      return Object.fromEntries(rows.map(({ subject, state }) => [subject, state]));
    };
    const left = await marks();
    const replayed = Object.keys(left).filter((subject) => left[subject] === 'PENDING');
    const dead = MANY - replayed.length;
    assert.ok(dead > 0 && dead < MANY, `${dead} are left`);
    assert.equal(Object.values(left).filter((state) => state === 'DEAD').length, dead);
    await shows(page, 'The connection to the console is lost.');
    await n8n.up();
    await page.locator('[data-link="live"]').waitFor();
    await page
      .locator('[data-job="cut"]')
      .getByText(/^n8n was ended while it was under way/)
      .waitFor();
    // Nothing of it goes on by itself.
    await page.waitForTimeout(5_000);
    assert.deepEqual(await marks(), left);
    assert.deepEqual((await seen.ask<JobsAnswer>('/api/jobs')).jobs, []);
    await n8n.api.publish(orders);
    await until(
      'what was replayed is done',
      async () => (await countOf('PENDING,QUEUED,RUNNING')) === 0,
      2 * PATIENCE_MS,
    );
    assert.deepEqual([...sink.counts().keys()].toSorted(), replayed.toSorted());
    assert.equal(sink.deliveries.length, replayed.length);
    assert.equal(await countOf('DEAD'), dead);
    await wasNotLoadedAgain(page);
    await page.getByRole('button', { name: 'Hide: Replay, cut off' }).click();
    // The rest, asked for again.
    await page.reload();
    await page.locator('[data-link="live"]').waitFor();
    await page.getByRole('button', { name: 'Select all that the filter finds' }).click();
    await page.getByRole('button', { name: 'Replay', exact: true }).click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: `Replay (${dead})` })
      .click();
    await until('none is dead', async () => (await countOf('DEAD')) === 0, PATIENCE_MS);
    await until('all ran', () => sink.counts().size === MANY, 2 * PATIENCE_MS);
    assert.equal(sink.deliveries.length, MANY);
    await page.context().close();
  });

  const upTo = (last: string, ids: readonly string[]): readonly string[] =>
    ids.slice(0, ids.indexOf(last) + 1);

  async function cutClients(): Promise<number> {
    const text = await (await fetch(`${seen.address}/metrics`)).text();
    return Number(/^durable_mail_feed_cut_total (\d+)/m.exec(text)![1]);
  }

  /** The owner of n8n is logged in there, whatever name it is reached by. */
  const logInToEditor = (context: BrowserContext): Promise<void> =>
    context.addCookies(
      ['127.0.0.1', 'localhost'].map((domain) => ({
        ...{ name: 'n8n-auth', value: n8n.api.cookie, domain, path: '/' },
      })),
    );
});
