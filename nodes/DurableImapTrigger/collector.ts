// How the trigger listens to the mailboxes of an IMAP account: by name, or by pattern (engine/imap/watch/roster.ts).
import { ImapFault } from '../../engine/imap/session/fault';
import { accountName, type ImapLogin } from '../../engine/imap/session/login';
import { isChosen, type MailboxChoice } from '../../engine/imap/session/mailboxes';
import type { ImapReadingData } from '../../engine/imap/read/reading-data';
import { Roster } from '../../engine/imap/watch/roster';
import type { NodeSubscription } from '../../engine/ledger/subscriptions';
import { type Collector, fromWhenTold, knownPlaces } from '../host/listen/collector';
import { log } from '../host/n8n/log';
import type { ReadBy } from '../host/trigger/collecting';

/** Mailboxes that could not be listed so often: a person is told. */
const LIST_FAILURES_TOLD = 3;

export interface ImapCollecting {
  readonly reading: ImapReadingData;
  /** Which process reads the mailboxes; they are listed here in any case. */
  readonly readBy: ReadBy;
  readonly login: () => Promise<ImapLogin>;
}

export function imapCollector({ reading, readBy, login }: ImapCollecting): Collector {
  const { mailboxes, skipBefore } = reading;
  let hasSubscribed = false;
  return {
    watched: () =>
      mailboxes.kind === 'pattern'
        ? `Mailbox "${mailboxes.pattern}"`
        : `Mailbox ${mailboxes.names.map((name) => `"${name}"`).join(', ')}`,

    place: ({ account, mailbox, uid }) => `Mailbox "${mailbox}" of ${account}, UID ${uid ?? 'unknown'}`,

    // A provider of tokens that cannot be reached is an outage, too.
    heals: (error) => error instanceof ImapFault && error.kind !== 'login',

    collect: async ({ ledger, imap }, ports) => {
      const { trigger, subscription } = ports;
      // It goes on where it stands, however long a server takes to answer.
      if (skipBefore === null && areKnown(mailboxes, await knownPlaces(ledger, trigger))) ports.joined();
      const current = await login();
      const { mostConnections } = current;
      const account = accountName(current);
      let toldAt: number | null = null;
      const roster = new Roster(
        { ...trigger, account, subscription, reading, login },
        {
          ledger,
          registry: imap,
          log,
          subscriber: (subscribed, begins, source) =>
            ports.subscriber(
              subscribed,
              {
                reading: subscribed.cursor === null ? fromWhenTold(begins, toldAt) : begins,
                login,
                mostConnections,
                readBy,
                ...(begins.skipBefore !== undefined && { passesOverUntil: begins.skipBefore }),
              },
              source,
            ),
          changed: (ids) => ports.changed(ids),
          failed: (fault, failures) => {
            ports.late();
            if (failures === LIST_FAILURES_TOLD) ports.report(fault);
          },
          moved: () => ports.moved(),
          listed: () => ports.joined(),
        },
      );
      return {
        start: async () => {
          toldAt = hasSubscribed ? null : ports.begunAt();
          const ids = await roster.start();
          hasSubscribed = true;
          return ids;
        },
        stop: () => roster.stop(),
      };
    },
  };
}

/** All that are named; of a pattern some: what it does not know yet is read from when it was last looked for. */
function areKnown(choice: MailboxChoice, known: readonly NodeSubscription[]): boolean {
  const names = known.flatMap(({ source }) => (source.kind === 'imap' ? source.mailbox : []));
  return choice.kind === 'names'
    ? choice.names.every((name) => names.includes(name))
    : names.some((name) => isChosen(choice, name));
}
