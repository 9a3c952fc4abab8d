// Which of the new mails a subscription takes: by its filter, judged here, and by its rules, judged by the server.
// Invariant: rules that the server cannot apply hold up nobody but their own subscription.
import { filterNeeds, matchesFilter } from '../../mail/filter';
import { readHeaders } from '../../mail/headers';
import { decodeWords } from '../../mail/words';
import type { ImapBeginning } from './begin';
import { ImapFault } from '../session/fault';
import type { NewMail, SyncJob } from './job';
import type { FactNeeds, MailFacts } from '../session/facts';
import { hasAttachment } from '../rules/structure';

/** What the filters of all of them need to know of a mail. */
export function factNeeds(subscriptions: readonly Pick<ImapBeginning, 'reading'>[]): FactNeeds {
  const needs = subscriptions.map(({ reading }) => filterNeeds(reading.filter));
  return { flags: needs.some(({ flags }) => flags), structure: needs.some(({ structure }) => structure) };
}

/** The mails that somebody takes, each with those who do. */
export async function chosen(job: SyncJob, mails: readonly NewMail[]): Promise<NewMail[]> {
  // Most triggers take everything, and then there is nothing to judge.
  const choosy = job.subscriptions.filter(
    ({ reading }) => reading.filter !== null || reading.criteria !== null,
  );
  if (choosy.length === 0) return [...mails];
  const takers = new Map(mails.map((mail) => [mail, new Set(mail.due)]));
  for (const { subscription, reading } of choosy) {
    const offered = mails.filter(({ due }) => due.includes(subscription.id));
    const taken = new Set(await takenBy(job, subscription.id, reading, offered));
    for (const mail of offered) if (!taken.has(mail)) takers.get(mail)!.delete(subscription.id);
  }
  return mails
    .map((mail) => ({ ...mail, due: mail.due.filter((id) => takers.get(mail)!.has(id)) }))
    .filter(({ due }) => due.length > 0);
}

async function takenBy(
  job: SyncJob,
  subscriptionId: number,
  { filter, criteria }: ImapBeginning['reading'],
  offered: readonly NewMail[],
): Promise<NewMail[]> {
  // A mail that the server does not hand out cannot be judged: it is taken, and its run shows what is wrong.
  const judged = await Promise.all(
    offered.map(
      async (mail) => filter === null || mail.facts.fields === null || (await passes(mail.facts, filter)),
    ),
  );
  const passed = offered.filter((_, index) => judged[index]);
  if (criteria === null || passed.length === 0) return passed;
  try {
    const matching = await job.session.matching(
      passed.map(({ facts }) => facts.uid),
      criteria,
    );
    return passed.filter(({ facts }) => matching.has(facts.uid));
  } catch (error) {
    if (!(error instanceof ImapFault) || error.kind === 'connection') throw error;
    job.refused(subscriptionId, error);
    return [];
  }
}

export async function passes(
  { fields, size, flags, structure }: MailFacts,
  filter: NonNullable<ImapBeginning['reading']['filter']>,
): Promise<boolean> {
  const headers = readHeaders(fields ?? Buffer.alloc(0));
  const text = async (...names: string[]): Promise<string> =>
    decodeWords(names.flatMap((name) => headers.get(name) ?? []).join(', '));
  return matchesFilter(filter, {
    from: await text('from'),
    to: await text('to', 'cc'),
    subject: await text('subject'),
    size: size || null,
    seen: flags?.has('\\Seen') ?? null,
    hasAttachment: structure ? hasAttachment(structure) : null,
  });
}
