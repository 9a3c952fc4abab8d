// `npm run demo:send -- "Subject" ["Text"]`: a mail arrives in the demo mailbox, also while its server is away.
import { randomUUID } from 'node:crypto';
import { main } from '../tools/shell.mjs';
import { reachDemo } from './control.mjs';
import { readState } from './state.mjs';

await main(async () => {
  const [subject = 'Hello', text = 'A mail from the demo.'] = process.argv.slice(2);
  const demo = await reachDemo(await readState());
  await demo.ask({ ask: 'deliver', mail: Buffer.from(mail(subject, text)).toString('base64') });
  demo.close();
  console.log(`Sent: ${subject}`);
});

/**
 * @param {string} subject
 * @param {string} text
 */
function mail(subject, text) {
  return [
    'From: "Demo Sender" <sender@example.com>',
    'To: demo@example.com',
    `Subject: =?utf-8?B?${Buffer.from(subject.replace(/[\r\n]+/g, ' ')).toString('base64')}?=`,
    `Message-ID: <${randomUUID()}@example.com>`,
    `Date: ${new Date().toUTCString()}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from(`${text}\n`).toString('base64'),
    '',
  ].join('\r\n');
}
