// How the trigger listens to the mailboxes of an IMAP account: by name, or by pattern (engine/imap/watch/roster.ts).
import { ImapFault } from '../../engine/imap/session/fault';
import { accountName, type ImapLogin } from '../../engine/imap/session/login';
import type { MailboxChoice } from '../../engine/imap/session/mailboxes';
import type { ImapReading } from '../../engine/imap/read/reading';
import { Roster } from '../../engine/imap/watch/roster';
import type { Collector } from '../host/collector';
import { log } from '../host/log';

/** Mailboxes that could not be listed so often: a person is told. */
const LIST_FAILURES_TOLD = 3;

export interface ImapCollecting {
  readonly mailboxes: MailboxChoice;
  readonly reading: ImapReading;
  readonly login: () => Promise<ImapLogin>;
}

export const imapCollector = ({ mailboxes, reading, login }: ImapCollecting): Collector => ({
  watched: () =>
    mailboxes.kind === 'pattern'
      ? `Mailbox "${mailboxes.pattern}"`
      : `Mailbox ${mailboxes.names.map((name) => `"${name}"`).join(', ')}`,

  place: ({ account, mailbox, uid }) => `Mailbox "${mailbox}" of ${account}, UID ${uid ?? 'unknown'}`,

  // A provider of tokens that cannot be reached is an outage, too.
  heals: (error) => error instanceof ImapFault && error.kind !== 'login',

  collect: async ({ ledger, imap }, ports) => {
    const current = await login();
    const { mostConnections } = current;
    const { workflowId, nodeId, subscription } = ports;
    const account = accountName(current);
    return new Roster(
      { workflowId, nodeId, account, choice: mailboxes, subscription, reading, login },
      {
        ledger,
        registry: imap,
        log,
        subscriber: (subscribed, begins, source) =>
          ports.subscriber(subscribed, { reading: begins, login, mostConnections }, source),
        changed: (ids) => ports.changed(ids),
        failed: (fault, failures) => {
          ports.late();
          if (failures === LIST_FAILURES_TOLD) ports.report(fault);
        },
        moved: () => ports.moved(),
        listed: () => ports.joined(),
      },
    );
  },
});
