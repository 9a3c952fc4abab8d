// The workflows of docs/templates, as a person takes them: imported from the file, filled in where the note says so, and run.
// Invariant: nothing of a template is changed here but what its note asks for.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { accountName } from '../../../engine/imap/session/login';
import type { Annotation } from '../../../engine/ledger/annotations';
import { ROOT } from '../../../tools/shell.mjs';
import { until } from '../../support/until';
import { credentialData, mailWorkflow, postMail } from '../../support/workflows';
import { MailLedgerNode } from './ask-ledger';
import { type Bench, chain, PATIENCE_MS } from './bench';

const FOLDER = join(ROOT, 'docs', 'templates');
const SHOP = 'https://shop.example.com/PUT-YOUR-ADDRESS-HERE';
const CHAT = 'https://chat.example.com/PUT-YOUR-WEBHOOK-HERE';
const WORKFLOW = 'PUT-THE-WORKFLOW-ID-HERE';

interface TemplateNode {
  readonly name: string;
  readonly type: string;
  readonly parameters: { readonly content?: string };
  credentials?: object;
}

interface Template {
  readonly name: string;
  readonly nodes: TemplateNode[];
  readonly connections: object;
  readonly settings: object;
}

/** @param filled what stands for what, as the note asks for it */
async function template(file: string, filled: Readonly<Record<string, string>>): Promise<Template> {
  let text = await readFile(join(FOLDER, file), 'utf8');
  for (const [placeholder, value] of Object.entries(filled)) {
    assert.ok(text.includes(placeholder), `${file} has ${placeholder}`);
    text = text.replace(placeholder, value);
  }
  assert.doesNotMatch(text, /PUT-/, 'all is filled in');
  return JSON.parse(text) as Template;
}

export function templateTests(bench: Bench): void {
  describe('the templates', () => {
    /** What was posted: the body, as JSON. */
    const posted = <Body>(): Body[] =>
      bench.other.deliveries.map(({ attachment }) => JSON.parse(attachment.toString()) as Body);

    const deadMailOf = async (subject: string): Promise<string> => {
      bench.newUser();
      const id = await bench.publishedMail([postMail(bench.later)], chain('Mail', 'Sink'), {
        retrySchedule: '',
      });
      await bench.append(subject);
      await bench.isNow(id, 'DEAD');
      return id;
    };

    it('say in a note what to fill in, and bring no credential', async () => {
      const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.json'));
      assert.ok(files.length >= 4);
      for (const file of files) {
        const { nodes } = JSON.parse(await readFile(join(FOLDER, file), 'utf8')) as Template;
        const notes = nodes.filter(({ type }) => type === 'n8n-nodes-base.stickyNote');
        assert.match(notes.map(({ parameters }) => parameters.content).join(), /To fill in/, file);
        assert.ok(
          nodes.every(({ credentials }) => !credentials),
          file,
        );
      }
    });

    it('an order by mail is created once, also when its mail runs again', async () => {
      const data = credentialData(bench.dovecot.login(bench.user));
      const { id, name } = await bench.n8n.api.createCredential(bench.user, 'imap', data);
      const orders = await template('order-mail-run-once.json', { [SHOP]: bench.other.url });
      orders.nodes.find((node) => node.name === 'Order Mail')!.credentials = { imap: { id, name } };
      const workflow = await bench.imported(orders);
      await bench.n8n.watching(workflow);
      await bench.append('Hello', 'Order 7');
      const [event] = await bench.isNow(workflow, 'DONE');
      const { act } = new MailLedgerNode(bench);
      assert.equal(await act('replay', { select: 'ids', eventIds: event!.id }), 1);
      await until(
        'it has run again',
        async () => (await bench.isNow(workflow, 'DONE'))[0]!.attempt === 2,
        PATIENCE_MS,
      );
      assert.deepEqual(
        posted<{ from: string; subject: string }>().map(({ from, subject }) => [
          /ann@example\.com/.test(from),
          subject,
        ]),
        [[true, 'Order 7']],
      );
    });

    it('a model says behind the mail what it is: that is kept with it, and told', async () => {
      const data = credentialData(bench.dovecot.login(bench.user));
      const { id, name } = await bench.n8n.api.createCredential(bench.user, 'imap', data);
      const triage = await template('triage.json', {});
      triage.nodes.find((node) => node.name === 'New Mail')!.credentials = { imap: { id, name } };
      const workflowId = await bench.imported(triage);
      await bench.n8n.watching(workflowId);
      await bench.append('Urgent: your order', 'Hello');
      await bench.isNow(workflowId, 'DONE', 'DONE');
      const { ask } = new MailLedgerNode(bench);
      const orders = await ask<{ subject: string; annotations: Annotation[] }>({
        ...{ resource: 'event', operation: 'getAll', returnAll: true },
        filters: { workflowId, annotationName: 'triage', annotationCategory: 'order' },
      });
      assert.equal(orders.length, 1);
      const [{ subject, annotations }] = orders as [(typeof orders)[0]];
      const [{ at, summary, ...said }] = annotations as [Annotation];
      assert.equal(subject, 'Urgent: your order');
      assert.ok(Date.parse(String(at)) > 0 && summary !== null);
      assert.deepEqual(said, {
        ...{ name: 'triage', category: 'order', priority: 'high', data: { model: 'stand-in' } },
      });
      const told = await bench.n8n.ledger<{ details: string }>(
        "select details from change where type = 'email.classified'",
      );
      // Its two mails run side by side: either may be first.
      assert.deepEqual(
        told.map(({ details }) => (JSON.parse(details) as { category: string }).category).sort(),
        ['order', 'other'],
      );
    });

    it('the dead mails of one workflow run again, and no others', async () => {
      bench.later.answer = () => 500;
      const other = await deadMailOf('of another workflow');
      const wanted = await deadMailOf('wanted');
      bench.later.reset();
      const { id } = await bench.n8n.api.createWorkflow(
        await template('replay-all-dead.json', { [WORKFLOW]: wanted }),
      );
      await bench.n8n.api.runManually(id, 'By Hand');
      await bench.isNow(wanted, 'DONE');
      await bench.isNow(other, 'DEAD');
      assert.deepEqual([...bench.later.counts()], [['wanted', 1]]);
    });

    it('an alarm tells of a mail that is given up, once, with where to look', async () => {
      const alarms = await bench.imported(await template('alarms.json', { [CHAT]: bench.other.url }));
      bench.later.answer = () => 500;
      const id = await mailWorkflow(bench.n8n, bench.dovecot.login(bench.user), [postMail(bench.later)], {
        options: { retrySchedule: '1s' },
        settings: { errorWorkflow: alarms },
      });
      await bench.n8n.api.publish(id);
      await bench.n8n.watching(id);
      await bench.append('given up');
      const [dead] = await bench.isNow(id, 'DEAD');
      await until('it is told', () => bench.other.deliveries.length > 0, PATIENCE_MS);
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      const told = posted<{ text: string }>();
      assert.equal(told.length, 1, 'of two tries');
      const lines = told[0]!.text.split('\n');
      assert.match(lines[0]!, /^A mail was given up: Mail of /);
      assert.match(told[0]!.text, /The last run failed with: Sink: /);
      assert.match(lines.at(-1)!, new RegExp(`/workflow/${id}/executions/${dead!.executionId}$`));
      await bench.n8n.api.unpublish(id);
    });

    it('a message tells how many mails failed, and how each mailbox is', async () => {
      bench.later.answer = () => 500;
      await deadMailOf('failed');
      const account = accountName(bench.dovecot.login(bench.user));
      const id = await bench.imported(await template('daily-health.json', { [CHAT]: bench.other.url }));
      await bench.n8n.api.runManually(id, 'Every Morning');
      const [message] = await until(
        'it is told',
        () => bench.other.deliveries.length > 0 && posted<{ text: string }>(),
        PATIENCE_MS,
      );
      const lines = message!.text.split('\n');
      assert.equal(lines[0], 'Mail needs a look.');
      assert.match(
        lines[1]!,
        /^\d+ done, \d+ waiting or running, \d+ to be tried again, [1-9]\d* failed for good, \d+ that /,
      );
      const mailbox = lines.find((line) => line.startsWith(`${account}, INBOX: `));
      assert.match(mailbox ?? '', /: idling, last read \d{4}-\d\d-\d\dT/, message!.text);
    });
  });
}
