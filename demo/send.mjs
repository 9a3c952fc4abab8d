// `npm run demo:send -- "Subject" ["Text"]`: puts a mail into the demo mailbox, as if it had arrived.
import { randomUUID } from 'node:crypto';
import { main } from '../tools/shell.mjs';
import { MAIL_USER, readState } from './state.mjs';

await main(async () => {
  const [subject = 'Hello', text = 'A mail from the demo.'] = process.argv.slice(2);
  const state = await readState();
  if (!state) throw new Error('The demo has not been started yet. Run: npm start');
  const { ImapFlow } = await import('imapflow');
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: state.mailPort,
    secure: false,
    doSTARTTLS: false,
    auth: { user: MAIL_USER, pass: state.mailPassword },
    logger: false,
    disableAutoIdle: true,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch {
    throw new Error('The demo mailbox does not answer. Is npm start running in another terminal?');
  }
  try {
    await client.append('INBOX', Buffer.from(mail(subject, text)));
    await client.logout();
  } finally {
    client.close();
  }
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
