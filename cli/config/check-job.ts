// What of a job can never work, though each of its words is one that is known.
import { compileGmailReading } from '../../engine/gmail/read/reading-data';
import { compileImapReading } from '../../engine/imap/read/reading-data';
import { checkedSecret } from '../../engine/outbox/webhook/sign';
import { checkedEndpoint } from '../../engine/outbox/webhook/webhook-url';
import { gmailReadingOf, imapReadingOf, type Job, refuseOtherKind } from './job';
import type { Account } from './account';
import type { Config } from './schema';
import { readSecret, type SecretPlace } from './secret';
import type { Webhook } from './webhook';

/** @throws Error that names the key, and says what to do */
export function checkJob(job: Job, { http, redis }: Pick<Config, 'http' | 'redis'>): void {
  compileImapReading(imapReadingOf(job));
  const { webhook, stream } = job.to;
  if (stream && !redis) throw new Error('to.stream needs Redis: add redis: { url: { env: … } }');
  if (webhook) checkWebhook(webhook);
  if ((webhook ?? stream)?.content === 'reference' && !http?.publicUrl)
    throw new Error(
      `to.${webhook ? 'webhook' : 'stream'}.content is "reference", and nobody knows where it is fetched: add http.publicUrl, ` +
        'the address under which the receiver reaches this command',
    );
}

/** @throws Error that names the key: it can never work in this account */
export function checkJobIn(job: Job, account: Account): void {
  refuseOtherKind(job, account);
  if (account.kind === 'gmail') compileGmailReading(gmailReadingOf(job, account));
}

function checkWebhook({ url, headers, allowOwnNetwork, secret, previousSecret, auth }: Webhook): void {
  keyed('url', () => checkedEndpoint(url, headers, { allowOwnNetwork }));
  const read = (key: string, place: SecretPlace | undefined): string | null =>
    place ? keyed(key, () => readSecret(place)) : null;
  const signing = read('secret', secret);
  if (signing !== null) keyed('secret', () => checkedSecret(signing));
  const before = read('previousSecret', previousSecret);
  if (before !== null) keyed('previousSecret', () => checkedSecret(before));
  read('auth.header.value', auth?.header?.value);
  read('auth.basic.password', auth?.basic?.password);
}

function keyed<T>(key: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw new Error(`to.webhook.${key}: ${(error as Error).message}`, { cause: error });
  }
}
