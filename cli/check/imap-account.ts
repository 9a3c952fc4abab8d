// Whether an IMAP account lets us in, and has the mailboxes that jobs watch.
import { ImapSession } from '../../engine/imap/session/session';
import { chosenMailboxes, isChosen } from '../../engine/imap/session/mailboxes';
import type { ToDo } from '../collect/to-do';
import { type ImapAccount, imapLoginOf } from '../config/imap-account';
import { imapReadingOf } from '../config/job';

const MOST_NAMED = 20;

/** @throws Error that says what is wrong, and what to do */
export async function checkImapAccount(
  name: string,
  account: ImapAccount,
  jobs: readonly ToDo[],
  signal: AbortSignal,
): Promise<string> {
  const session = await ImapSession.connect(await imapLoginOf(name, account)(), signal);
  try {
    const listed = await session.list();
    const there = listed.filter(({ selectable }) => selectable).map(({ path }) => path);
    const watched = new Set<string>();
    const missing: string[] = [];
    for (const { name: job, job: settings } of jobs) {
      const { mailboxes: choice } = imapReadingOf(settings);
      const found = chosenMailboxes(choice, listed);
      if (choice.kind === 'pattern' && found.length === 0)
        missing.push(`no mailbox fits the pattern "${choice.pattern}" of the job ${job}`);
      for (const mailbox of found) {
        if (
          there.some(
            (path) =>
              isChosen({ kind: 'names', names: [mailbox] }, path) || session.isSameMailbox(path, mailbox),
          )
        )
          watched.add(mailbox);
        else missing.push(`the mailbox "${mailbox}" of the job ${job} is not there`);
      }
    }
    if (missing.length > 0)
      throw new Error(
        `it lets us in, but ${missing.join(', and ')}. There are: ${there.slice(0, MOST_NAMED).join(', ')}.`,
      );
    const news = session.canIdle ? 'announces new mail (IDLE)' : 'has no IDLE, and is asked every 30 s';
    const count =
      watched.size === 0
        ? 'no job watches it'
        : `${watched.size === 1 ? 'a mailbox is' : `${watched.size} mailboxes are`} watched`;
    return `${session.account} lets us in; it ${news}; ${count}`;
  } finally {
    await session.end();
  }
}
