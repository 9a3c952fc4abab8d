// The console's page as people have it: a real n8n, a real mail server, a real browser; what is seen there is so, and what is
// asked for there is done.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import type { MailsAnswer } from '../../engine/console/api';
import { keptTokens } from '../../engine/console/kept-tokens';
import { Sessions } from '../../engine/console/sessions';
import { Cleanup } from '../support/cleanup';
import { ConsoleInN8n, signIn, wasNotLoadedAgain } from '../support/console/in-n8n';
import { shows } from '../support/console/open';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { N8n } from '../support/n8n';
import { freePort } from '../support/net';
import { Sink } from '../support/sink';
import { until } from '../support/until';
import { mailWorkflow, postMail, type Step, type WorkflowOptions } from '../support/workflows';
import { outboxOnThePage } from './console-page/outbox';

const PATIENCE_MS = 60_000;
const MANY = 500;

const annotate = (parameters: object): Step => ({
  ...{ name: 'Annotate', type: 'n8n-nodes-durable-mail.mailLedger', typeVersion: 1 },
  parameters: { operation: 'annotate', ...parameters },
});

describe("the console's page in n8n", { timeout: 10 * 60_000 }, () => {
  const cleanup = new Cleanup();
  let n8n: N8n;
  let dovecot: Dovecot;
  let sink: Sink;
  let seen: ConsoleInN8n;

  before(async () => {
    const port = await freePort();
    const environment = {
      DURABLE_MAIL_CONSOLE_PORT: String(port),
      DURABLE_MAIL_CONSOLE_OPEN_HEALTH: 'true',
    };
    dovecot = await cleanup.of(Dovecot.start());
    sink = await cleanup.of(Sink.start());
    n8n = await cleanup.of(N8n.start(environment));
    seen = await cleanup.of(ConsoleInN8n.start(n8n, port));
  });
  after(() => cleanup.run());

  const published = async (
    user: string,
    steps: readonly Step[],
    options: WorkflowOptions = {},
  ): Promise<string> => {
    const { mailbox = 'INBOX', ...more } = options;
    const id = await mailWorkflow(n8n, dovecot.login(user), steps, { mailbox, options: more });
    const since = Date.now();
    await n8n.api.publish(id);
    await n8n.watching(id, PATIENCE_MS, since);
    return id;
  };

  const deliveriesOf = (subject: string): number => sink.counts().get(subject) ?? 0;

  const confirm = (page: Page, button: string): Promise<void> =>
    page.getByRole('dialog').getByRole('button', { name: button }).click();

  let support: string;

  it('shows live how its mailboxes are, while their server is stopped and started', async () => {
    const triage = annotate({ annotationName: 'triage', category: 'question', priority: 'high' });
    support = await published('support', [triage, postMail(sink)], { retrySchedule: '3s' });
    const page = await seen.open();
    const source = page.getByRole('listitem').filter({ hasText: 'support' });
    const stands = (standing: string): Promise<void> =>
      page.locator(`[data-standing="${standing}"]`).filter({ hasText: 'support' }).waitFor();
    await stands('well');
    assert.equal(await seen.health(), 200);
    await dovecot.down();
    await stands('troubled');
    await source.getByText(/could not be read just now/).waitFor();
    // As if that had lasted for longer than an outage does.
    const ledger = new DatabaseSync(join(seen.folder, 'ledger.sqlite'), { timeout: 5_000 });
    ledger.exec(`
      update source set failing_since = failing_since - 360000, last_success_at = last_success_at - 360000
      where failing_since is not null`);
    ledger.close();
    await stands('broken');
    await until('the title says it', async () => (await page.title()) === '(1 broken) Mail Console');
    await until('the health answer follows', async () => (await seen.health()) === 503);
    await dovecot.up();
    await source.getByRole('button', { name: 'Try again now' }).click();
    await stands('well');
    await until('the title is calm', async () => (await page.title()) === 'Mail Console');
    await until('the health answer follows', async () => (await seen.health()) === 200);
    await wasNotLoadedAgain(page);
    await page.context().close();
  });

  it('shows a mail as it comes, fails, is tried again and is done, and its life with its executions', async () => {
    const answers: ((status: number) => void)[] = [];
    sink.answer = () => new Promise((resolve) => void answers.push(resolve));
    const page = await seen.open('#/mails');
    await dovecot.append('support', [rawMail({ subject: 'Where is my parcel?' })]);
    const row = page.locator('.mail').filter({ hasText: 'Where is my parcel?' });
    const isIn = (state: string): Promise<void> =>
      page.locator(`.mail[data-state="${state}"]`).filter({ hasText: 'Where is my parcel?' }).waitFor();
    await isIn('RUNNING');
    await row.getByText('question · high').waitFor();
    answers.shift()!(500);
    await isIn('RETRY');
    await row.getByText(/Failed once/).waitFor();
    await isIn('RUNNING');
    await until('the second try is there', () => answers.length === 1, PATIENCE_MS);
    answers.shift()!(200);
    await isIn('DONE');
    sink.reset();
    await row.getByRole('link').click();
    await shows(page, 'Try 2: done');
    const told = (await page.locator('.life > li').allInnerTexts()).map((text) => text.split('\n')[0]);
    assert.deepEqual(
      told.filter((what) => !what?.startsWith('triage')),
      [
        ...['Received by the mail server', 'Recorded', 'Try 1: claimed by a run', 'Try 1: failed'],
        ...['Try 2: claimed by a run', 'Try 2: done'],
      ],
    );
    const linked = await page
      .locator('.life a.out')
      .evaluateAll((links) => links.map((link) => (link as unknown as { href: string }).href));
    const there = (await n8n.api.executions()).map(({ id }) => id);
    assert.equal(linked.length, 2);
    for (const href of linked) {
      const [, workflow, execution] = /\/workflow\/([^/]+)\/executions\/(\d+)$/.exec(href) ?? [];
      assert.equal(workflow, support);
      assert.ok(there.includes(execution!), href);
    }
    await wasNotLoadedAgain(page);
    await page.getByRole('button', { name: 'Replay' }).last().click();
    await confirm(page, 'Replay (1)');
    await shows(page, '1 mail replayed.');
    await until('it ran again', () => deliveriesOf('Where is my parcel?') === 1, PATIENCE_MS);
    await shows(page, 'Try 3: done');
    await page.context().close();
  });

  it('replays all dead mails of a workflow: counted, asked, seen as it goes, each once', async () => {
    const orders = await published('orders', [postMail(sink)], {
      retrySchedule: '',
      mailsPerRunAutomatic: true,
    });
    sink.answer = () => 500;
    const subjects = Array.from({ length: MANY }, (_, at) => `Order ${10_000 + at}`);
    await dovecot.append(
      'orders',
      subjects.map((subject) => rawMail({ subject })),
    );
    const page = await seen.open(`#/mails?state=DEAD&workflow=${orders}`);
    const dead = async (): Promise<number> =>
      (await n8n.events()).filter(({ workflow, state }) => workflow === orders && state === 'DEAD').length;
    await until('all are dead', async () => (await dead()) === MANY, 2 * PATIENCE_MS);
    sink.reset();
    await page.getByRole('button', { name: 'Select all that the filter finds' }).click();
    await page.getByRole('button', { name: 'Replay', exact: true }).click();
    await page.getByRole('dialog', { name: `Replay: all ${MANY} mails that the filter finds?` }).waitFor();
    assert.equal(sink.deliveries.length, 0);
    await confirm(page, `Replay (${MANY})`);
    await page.locator('.job').getByText(`of ${MANY} looked at`).waitFor();
    await page.locator('.job').getByText(`${MANY} of ${MANY} looked at, ${MANY} changed`).waitFor();
    await until('all ran', () => sink.counts().size === MANY, 2 * PATIENCE_MS);
    await until('none is dead', async () => (await dead()) === 0, PATIENCE_MS);
    assert.deepEqual([...sink.counts().keys()].toSorted(), subjects);
    assert.equal(sink.deliveries.length, MANY);
    await until(
      'none is shown as dead',
      async () => (await page.locator('.mail[data-state="DEAD"]').count()) === 0,
    );
    await wasNotLoadedAgain(page);
    await page.context().close();
  });

  outboxOnThePage(() => ({ n8n, dovecot, seen, published }));

  it('says that it is cut off when n8n is killed, heals by itself, and shows what it missed', async () => {
    const page = await seen.open('#/mails');
    await n8n.down('SIGKILL');
    await shows(page, 'The connection to the console is lost.');
    assert.equal(await page.title(), '(not connected) Mail Console');
    await dovecot.append('support', [rawMail({ subject: 'Sent meanwhile' })]);
    await n8n.up();
    await page.locator('[data-link="live"]').waitFor();
    await page.locator('.mail[data-state="DONE"]').filter({ hasText: 'Sent meanwhile' }).waitFor();
    assert.equal(await page.getByText('The connection to the console is lost.').count(), 0);
    assert.equal(await page.title(), 'Mail Console');
    await wasNotLoadedAgain(page);
    await page.context().close();
  });

  it('asks again, and says why, for a token that is none, and for a session that is over', async () => {
    const { sessionKey } = await keptTokens({ setting: () => undefined, folder: seen.folder });
    const session = (agoMs: number): string =>
      new Sessions(sessionKey, () => Date.now() - agoMs).begin('operate').token;
    const page = await seen.page();
    await page.goto(seen.address);
    await signIn(page, 'a wrong token, surely');
    await shows(page, 'This token, or this name and password, is none of the console.');
    await signIn(page, session(16 * 60_000));
    await shows(page, 'This session is over. Log in again, or load the page again.');
    await signIn(page, session(15 * 60_000 - 5_000));
    await page.locator('[data-link="live"]').waitFor();
    await page.waitForTimeout(5_000);
    await page.getByRole('link', { name: 'Workflows' }).click();
    await shows(page, /This session is over/);
    assert.equal(await page.getByRole('link', { name: 'Workflows' }).count(), 0);
    await page.context().close();
  });

  it('is not to be used by a page of another origin, whatever that knows', async () => {
    const { mails } = await seen.ask<MailsAnswer>(`/api/mails?workflow=${support}&state=DONE&limit=1`);
    const id = mails[0]!.id;
    const before = sink.deliveries.length;
    const other = createServer((_, res) => res.setHeader('content-type', 'text/html').end('<p>Another'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port: otherPort } = other.address() as AddressInfo;
    const consolePort = new URL(seen.address).port;
    const page = await seen.page();
    const isRefused = async (from: string, to: string): Promise<void> => {
      await page.goto(`http://${from}:${otherPort}/`);
      const act = { action: 'replay', ids: [id] };
      const authorization = `Bearer ${await seen.token()}`;
      const tries = [
        { headers: { authorization, 'content-type': 'application/json' } },
        { headers: { 'content-type': 'text/plain' }, mode: 'no-cors', credentials: 'include' },
      ].map((init) => ({ method: 'POST', body: JSON.stringify(act), ...init }));
      const script = `Promise.all(${JSON.stringify(tries)}.map((init) =>
        fetch('${to}/api/act', init).then((answer) => answer.type + answer.status, () => 'refused')))`;
      assert.deepEqual(await page.evaluate(script), ['refused', 'refused']);
      const answered = page.waitForResponse((response) => response.url().endsWith('/api/act'));
      await page.evaluate(`document.body.innerHTML =
        '<form method="post" enctype="text/plain" action="${to}/api/act"></form>'; document.forms[0].submit()`);
      assert.equal((await answered).status(), 403, `${from}, ${to}`);
      // What it says is shown: it is not to be gone to another page before.
      await page.waitForURL(`${to}/api/act`);
    };
    try {
      // A browser takes two ports of one name for one site.
      for (const name of ['127.0.0.1', 'localhost'])
        for (const asked of ['127.0.0.1', 'localhost'])
          await isRefused(name, `http://${asked}:${consolePort}`);
      await page.waitForTimeout(1_000);
      assert.equal(sink.deliveries.length, before);
      assert.equal((await n8n.events()).find((event) => event.id === id)?.state, 'DONE');
    } finally {
      await page.context().close();
      other.closeAllConnections();
      other.close();
    }
  });

  it('shows what mails say as text, wherever they say it', async () => {
    const evil = (where: string): string => `<img src=x onerror=alert(1)>${where}`;
    // No address with a bracket in it is taken for one.
    const sender = 'svg/onload=alert(1)//@example.com';
    const mailbox = evil('box');
    const client = await dovecot.client('evil');
    await client.mailboxCreate(mailbox);
    await client.logout();
    const fails: Step = {
      ...{ name: 'Stop', type: 'n8n-nodes-base.stopAndError', typeVersion: 1 },
      parameters: { errorMessage: evil('error') },
    };
    const notes = annotate({
      ...{ annotationName: evil('name'), category: evil('category'), summary: evil('summary') },
      data: JSON.stringify({ said: evil('data') }),
    });
    const workflow = await published('evil', [notes, fails], { mailbox, retrySchedule: '' });
    const raw = rawMail({ subject: evil('subject') }).replace(
      /^From: .*$/m,
      `From: "${evil('sender')}" <${sender}>`,
    );
    await dovecot.append('evil', [raw], mailbox);
    const page = await seen.open(`#/mails?workflow=${workflow}`);
    page.on('dialog', () => assert.fail('a script of a mail ran'));
    const isText = async (...places: string[]): Promise<void> => {
      for (const where of places) await shows(page, new RegExp(`<img src=x onerror=alert\\(1\\)>${where}`));
      assert.equal(await page.locator('img, [onerror], script + script').count(), 0);
    };
    await page.locator('.mail[data-state="DEAD"]').waitFor();
    await shows(page, sender);
    await isText('subject', 'box', 'category', 'error');
    await page.locator('.mail-subject').click();
    await page.getByText('Data', { exact: true }).click();
    await isText('summary', 'name', 'data', 'error');
    for (const [view, ...places] of [
      ['Sources', 'box'],
      ['Workflows', 'error'],
    ] as const) {
      await page.getByRole('link', { name: view }).click();
      await isText(...places);
    }
    await page.context().close();
  });
});
