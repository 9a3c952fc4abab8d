// Finds the newest mail that fits, over a connection of its own, for somebody who is looking. Changes nothing.
import type { MailFilter } from '../../mail/filter';
import { filterNeeds } from '../../mail/filter';
import type { SearchCriteria } from '../rules/criteria';
import { ImapFault } from '../session/fault';
import type { ImapLogin } from '../session/login';
import { chosenMailboxes, type MailboxChoice } from '../session/mailboxes';
import { readMail } from './read';
import { passes } from '../read/selection';
import type { MailFacts } from '../session/facts';
import { ImapSession } from '../session/session';

/** How many mails are judged at a time, and how many at the most. */
const STEP_MAILS = 50;
const MOST_MAILS = 500;

/** What is looked for; null: any mail fits. */
export interface NewestQuery {
  readonly mailboxes: MailboxChoice;
  readonly filter: MailFilter | null;
  readonly criteria: SearchCriteria | null;
  /** Of a larger mail only the headers are read. Octets. */
  readonly mostReadBytes: number;
}

export interface NewestMail {
  readonly mailbox: string;
  readonly facts: MailFacts;
  readonly uidValidity: string;
  /** The raw message; only its headers where `truncated`. */
  readonly content: Buffer;
  readonly truncated: boolean;
}

/** None of the `looked` newest mails of the mailboxes fits. */
export interface NothingFits {
  readonly mailboxes: readonly string[];
  readonly looked: number;
}

/** Looks in one mailbox after another until a mail fits. @throws ImapFault */
export async function readNewest(
  login: ImapLogin,
  query: NewestQuery,
  signal: AbortSignal,
): Promise<NewestMail | NothingFits> {
  const session = await ImapSession.connect(login, signal);
  try {
    const mailboxes = chosenMailboxes(
      query.mailboxes,
      query.mailboxes.kind === 'pattern' ? await session.list() : [],
    );
    if (mailboxes.length === 0) throw noMailbox(query.mailboxes, login);
    let looked = 0;
    for (const mailbox of mailboxes) {
      const { uidValidity, uidNext } = await session.open(mailbox);
      for (let below = uidNext; below > 1 && looked < MOST_MAILS;) {
        const { uids, lookedTo } = await session.listing.below(
          below,
          1,
          Math.min(STEP_MAILS, MOST_MAILS - looked),
        );
        for (const facts of await fitting(session, uids, query)) {
          const mail = await readMail(session, facts.uid, facts.size, query.mostReadBytes);
          // It may have been deleted a moment ago.
          if (mail) return { mailbox, facts, uidValidity, content: mail.raw, truncated: mail.truncated };
        }
        looked += uids.length;
        below = lookedTo;
      }
    }
    return { mailboxes, looked };
  } finally {
    await session.end();
  }
}

/** Those that fit, the newest first. */
async function fitting(
  session: ImapSession,
  uids: readonly number[],
  { filter, criteria }: NewestQuery,
): Promise<MailFacts[]> {
  if (uids.length === 0) return [];
  const matching = criteria ? await session.matching(uids, criteria) : new Set(uids);
  const candidates = uids.filter((uid) => matching.has(uid));
  if (candidates.length === 0) return [];
  const { answers, fault } = await session.mails.facts(candidates, filterNeeds(filter));
  if (fault) throw fault;
  // One that the server does not hand out is none to be shown.
  const facts = [...answers.values()].filter(({ fields }) => fields !== null);
  const fits = await Promise.all(facts.map(async (mail) => filter === null || (await passes(mail, filter))));
  return facts.filter((_, index) => fits[index]).reverse();
}

const noMailbox = (mailboxes: MailboxChoice, { user, host }: ImapLogin): ImapFault =>
  new ImapFault(
    'mailbox',
    mailboxes.kind === 'pattern'
      ? `No mailbox of "${user}" on ${host} fits "${mailboxes.pattern}". Check Mailbox Pattern.`
      : 'No mailbox was chosen.',
  );
