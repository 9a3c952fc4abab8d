// Whether a Gmail account lets us in, and whether Pub/Sub can be pulled for it.
import { GmailClient } from '../../engine/gmail/api/client';
import type { ToDo } from '../collect/to-do';
import { type GmailAccount, gmailLoginOf, pubsubTokenOf } from '../config/gmail-account';

/** @throws Error that says what is wrong, and what to do */
export async function checkGmailAccount(
  name: string,
  account: GmailAccount,
  jobs: readonly ToDo[],
  signal: AbortSignal,
): Promise<string> {
  const login = await gmailLoginOf(name, account)();
  // Who signs in with a refresh token is asked whose it is, too.
  const client = new GmailClient(login, { signal });
  await client.labels();
  const { pubsub } = account;
  const token = pubsub && (await pubsubTokenOf(name, account)!());
  await token?.(false);
  const every = jobs.length === 0 ? [] : [Math.min(...jobs.map(({ job }) => job.pollSeconds))];
  const asked = every.map((seconds) => `it is asked every ${seconds} s`);
  const told = pubsub ? [`told of new mail by ${pubsub.subscription}`] : [];
  const count = jobs.length === 0 ? 'no job watches it' : [...asked, ...told].join(', and ');
  return `${login.address} lets us in, by the Gmail API; ${count}`;
}
