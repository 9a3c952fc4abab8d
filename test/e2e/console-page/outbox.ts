// What goes out, on the console's page: a mail that Durable Send has queued, tried and sent, one that failed and is tried again
// by a person, and a template; what any of them says is text.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { TemplateAnswer } from '../../../engine/console/outbox-api';
import { Cleanup } from '../../support/cleanup';
import { type ConsoleInN8n, wasNotLoadedAgain } from '../../support/console/in-n8n';
import { shows } from '../../support/console/open';
import type { Dovecot } from '../../support/dovecot';
import { durableSend, smtpCredential } from '../../support/durable-send';
import { rawMail } from '../../support/mails';
import type { N8n } from '../../support/n8n';
import { FaultySmtp } from '../../support/smtp';
import { until } from '../../support/until';
import type { Step, WorkflowOptions } from '../../support/workflows';

export interface OpenConsolePage {
  readonly n8n: N8n;
  readonly dovecot: Dovecot;
  readonly seen: ConsoleInN8n;
  /** A published workflow that begins with the mails of a user. */
  readonly published: (user: string, steps: readonly Step[], options?: WorkflowOptions) => Promise<string>;
}

const EVIL = '<img src=x onerror="top.ran = 1"><script>top.ran = 1</script>';

export function outboxOnThePage(open: () => OpenConsolePage): void {
  describe('the outbox', () => {
    const cleanup = new Cleanup();
    let smtp: FaultySmtp;

    before(async () => {
      const { n8n, published } = open();
      smtp = await FaultySmtp.start();
      await cleanup.of(Promise.resolve({ close: () => smtp.stop() }));
      const step = durableSend(await smtpCredential(n8n, smtp), { sending: 'background' });
      await published('answered', [step], { retrySchedule: '' });
    });
    after(() => cleanup.run());

    const come = (subject: string): Promise<void> =>
      open().dovecot.append('answered', [rawMail({ subject })]);

    it('shows an entry as it is sent, and one that failed, which is sent once somebody retries it', async () => {
      const page = await open().seen.open('#/outbox');
      const entry = (subject: string, ...states: readonly string[]): Promise<void> =>
        page
          .locator(states.map((state) => `[data-entry][data-state="${state}"]`).join())
          .filter({ hasText: `To ${subject}` })
          .waitFor();
      smtp.faults = { slowMs: 700 };
      await come(`${EVIL}parcel`);
      await entry(`${EVIL}parcel`, 'QUEUED', 'SENDING');
      await entry(`${EVIL}parcel`, 'SENT');
      smtp.faults = { recipient: () => ({ code: 550, text: '<b>No such user</b>' }) };
      await come('refused');
      await entry('refused', 'FAILED');
      await shows(page, /550.*<b>No such user<\/b>/);
      assert.equal(smtp.accepted.length, 1);
      smtp.faults = {};
      await page.getByRole('link', { name: 'To refused' }).click();
      await page.locator('.opened').getByRole('button', { name: 'Retry' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Retry (1)' }).click();
      await shows(page, '1 entry queued again.');
      await entry('refused', 'SENT');
      await page.locator('.opened').getByText('Sent', { exact: true }).waitFor();
      assert.equal(smtp.accepted.length, 2);
      assert.equal(await page.evaluate('self.ran'), undefined);
      assert.equal(await page.locator('main img, main b:text("No such user")').count(), 0);
      await wasNotLoadedAgain(page);
      await page.context().close();
    });

    it('has templates, which are seen as a mail before they are saved, and never run', async () => {
      const { seen } = open();
      const page = await seen.open('#/outbox/templates');
      const fill = (label: string, text: string): Promise<void> =>
        page.getByLabel(label, { exact: true }).fill(text);
      await page.getByRole('button', { name: 'New template' }).click();
      await fill('Name', 'thanks');
      await fill('Subject', 'Thank you');
      await fill('Text', 'Thank you, {{name}}');
      await page.getByRole('button', { name: 'Save' }).click();
      await shows(page, '"thanks" is saved.');
      await fill('HTML', `${EVIL}<b>Thank you, {{name}}</b>`);
      await fill('name', `${EVIL}Ann`);
      await page.getByRole('button', { name: 'Show the mail' }).click();
      await page.frameLocator('iframe').getByText(`Thank you, ${EVIL}Ann`).waitFor();
      await page.getByRole('button', { name: 'Save' }).click();
      await until('it is kept', async () => {
        const { template } = await seen.ask<TemplateAnswer>('/api/template?name=thanks');
        return template.html === `${EVIL}<b>Thank you, {{name}}</b>`;
      });
      assert.equal(await page.evaluate('self.ran'), undefined);
      await wasNotLoadedAgain(page);
      await page.context().close();
    });
  });
}
