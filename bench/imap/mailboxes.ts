// The mails that are measured with, and mailboxes full of them.
// Invariant: no two mails are the same: neither trigger is spared any of them.
import type { Dovecot } from '../../test/support/dovecot';
import { rawMail } from '../../test/support/mails';

const AT_ONCE = 200;
/** Of twenty mails, how many have a text of so many characters: about 6 KB on average. */
const TEXTS = [...Array<number>(14).fill(2_000), ...Array<number>(5).fill(8_000), 50_000];
const SYLLABLES =
  'ba be bi bo bu da de di do du ka ke ki ko ku la le li lo lu ma me mi mo mu na ne ni no nu'.split(' ');

/** A mail as they come: most are short, some are not. */
export function likelyMail(subject: string, index: number): string {
  return rawMail({ subject: `${subject} ${index}`, text: words(TEXTS[index % TEXTS.length]!) });
}

/** It can be packed about as well as people's mails: to half its size. */
function words(characters: number): string {
  let text = '';
  while (text.length < characters) {
    const syllables = 1 + Math.floor(Math.random() * 3);
    for (let more = 0; more < syllables; more++)
      text += SYLLABLES[Math.floor(Math.random() * SYLLABLES.length)]!;
    text += Math.random() < 0.08 ? '\r\n' : ' ';
  }
  return text;
}

/** Puts mails where a mail server's delivery puts them, and has the server take note of them. */
export async function fillMailbox(
  dovecot: Dovecot,
  user: string,
  subject: string,
  mails: number,
): Promise<void> {
  await open(dovecot, user);
  for (let from = 0; from < mails; from += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, mails - from) }, (_, i) =>
      likelyMail(subject, from + i),
    );
    await dovecot.deliver(user, some);
  }
  await open(dovecot, user);
}

/** Fills a mailbox with copies of a few mails: it is only the number that matters. */
export async function crowdMailbox(dovecot: Dovecot, user: string, mails: number): Promise<void> {
  const seed = Math.min(mails, 1_000);
  await fillMailbox(dovecot, user, 'crowd', seed);
  const client = await dovecot.client(user);
  await client.mailboxOpen('INBOX');
  for (let there = seed; there < mails; there *= 2) {
    const copied = Math.min(there, mails - there);
    await client.messageCopy(`1:${copied}`, 'INBOX');
    await client.noop();
  }
  await client.logout();
}

/** The server looks into the mailbox: it makes it, or numbers what came. */
async function open(dovecot: Dovecot, user: string): Promise<void> {
  const client = await dovecot.client(user);
  await client.mailboxOpen('INBOX');
  await client.logout();
}
