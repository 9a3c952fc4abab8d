// The command `durable-mail audit`: compares mailboxes with the ledger, and says what is missing there.
// Invariants: it changes nothing, unless it is told to record; what it records it records under the source's lease, so never beside
// somebody who reads that mailbox; no content of a mail is told.
import { GmailClient } from '../../engine/gmail/api/client';
import { audit as gmailAudit } from '../../engine/gmail/audit/audit';
import { auditedOf as gmailAuditedOf } from '../../engine/gmail/audit/audited';
import { GMAIL_MAILBOX } from '../../engine/gmail/mail/source';
import { audit as imapAudit } from '../../engine/imap/audit/audit';
import { auditedOf as imapAuditedOf } from '../../engine/imap/audit/audited';
import { accountName } from '../../engine/imap/session/login';
import { ImapSession } from '../../engine/imap/session/session';
import { openPlace } from '../../engine/instance/place';
import type { Ledger } from '../../engine/ledger/ledger';
import { errorText } from '../../engine/runtime/log';
import { SourceLeases } from '../../engine/source/leases';
import { configFile } from '../collect/collect';
import { type Command, type CommandPorts, type Given, Mistake } from '../command';
import type { Account } from '../config/account';
import { type GmailAccount, gmailAddress, gmailLoginOf } from '../config/gmail-account';
import { type ImapAccount, imapLoginOf } from '../config/imap-account';
import { readConfig } from '../config/config';
import { ledgerPlace } from '../ledger';
import { compare, type ComparePorts } from './compare';
import { reporterOf } from './report';

export const audit: Command = {
  name: 'audit',
  summary: 'compares mailboxes with the mail ledger, and says what is missing',
  help: `It lists each mailbox that triggers or jobs of the ledger read, mail by mail, and asks the ledger for each. Accounts and their
logins are those of the configuration; for mailboxes of n8n's triggers name their login there, too.
Its exit code is 1 if a mail is missing, or a mailbox could not be compared.

  --config FILE     default: DURABLE_MAIL_CONFIG
  --account NAME    as the configuration names it; default: all of them
  --mailbox NAME    default: all that the ledger knows of the account
  --since DATE      only what the server received from then on: 2026-05-20
  --list            a line for each mail that is missing: UID or Gmail's id, date and size
  --json            a JSON object a line
  --record          records what is missing, for those who take it; where nobody else reads the mailbox meanwhile

  durable-mail audit --account ann --since 2026-05-20 --list`,
  options: {
    ...{ config: { type: 'string' }, account: { type: 'string' }, mailbox: { type: 'string' } },
    ...{ since: { type: 'string' }, list: { type: 'boolean' } },
    ...{ json: { type: 'boolean' }, record: { type: 'boolean' } },
  },
  run,
};

async function run(given: Given, { env, print, log, signal }: CommandPorts): Promise<number> {
  const { values } = given;
  const asked = { mailbox: text(values['mailbox']), since: sinceOf(text(values['since'])) };
  const { accounts } = await readConfig(configFile(given, env));
  const wanted = accountsOf(accounts, text(values['account']));
  const report = reporterOf(print, { json: values['json'] === true, list: values['list'] === true });
  const place = ledgerPlace();
  const { ledger, wake, close } = await openPlace(place, log, undefined);
  const ports = {
    ...{ ledger, log, signal, report, since: asked.since },
    leases: values['record'] === true ? new SourceLeases(ledger, log) : null,
    recorded: (ids: readonly number[]) => wake.notify(ids),
  };
  try {
    let isWell = true;
    for (const [name, account] of wanted) {
      if (signal.aborted) return 1;
      isWell = (await auditAccount(name, account, asked.mailbox, ports)) && isWell;
    }
    return isWell && !signal.aborted ? 0 : 1;
  } finally {
    await close();
  }
}

/** @returns false: something is missing, or could not be compared, which is told */
async function auditAccount(
  name: string,
  account: Account,
  mailbox: string | undefined,
  ports: ComparePorts,
): Promise<boolean> {
  const known = ledgerName(account);
  try {
    return account.kind === 'gmail'
      ? await auditGmail(name, account, mailbox, ports)
      : await auditImap(name, account, mailbox, ports);
  } catch (error) {
    ports.report.failed({ account: known, mailbox: null }, errorText(error));
    return false;
  }
}

async function auditImap(
  name: string,
  account: ImapAccount,
  mailbox: string | undefined,
  ports: ComparePorts,
): Promise<boolean> {
  const { ledger, log, signal, since, recorded } = ports;
  const known = ledgerName(account);
  const mailboxes = [...(await imapAuditedOf(ledger, known))].filter(
    ([one]) => mailbox === undefined || one === mailbox,
  );
  if (mailboxes.length === 0) throw nobodyReads(ledger, known, mailbox);
  const session = await ImapSession.connect(await imapLoginOf(name, account)(), signal);
  try {
    let isWell = true;
    for (const [one, subscriptions] of mailboxes) {
      const { sourceId } = subscriptions[0]!.subscription;
      const auditing = { session, mailbox: one, subscriptions, ledger, log, signal, recorded };
      const isWhole = await compare(
        {
          ...{ account: known, mailbox: one, sourceId },
          audit: ({ hold, found }) =>
            imapAudit({
              ...auditing,
              ...(since !== undefined && { since }),
              ...(hold && { hold }),
              found: ({ uid, receivedAt, size }) => found({ uid, receivedAt, size }),
            }),
        },
        ports,
      );
      isWell = isWhole && isWell;
    }
    return isWell;
  } finally {
    await session.end().catch(() => undefined);
  }
}

async function auditGmail(
  name: string,
  account: GmailAccount,
  mailbox: string | undefined,
  ports: ComparePorts,
): Promise<boolean> {
  const { ledger, log, signal, since, recorded } = ports;
  const address = ledgerName(account);
  const isAsked = mailbox === undefined || mailbox === GMAIL_MAILBOX;
  const subscriptions = isAsked ? await gmailAuditedOf(ledger, address) : [];
  if (subscriptions.length === 0) throw nobodyReads(ledger, address, mailbox);
  const api = new GmailClient(await gmailLoginOf(name, account)(), { signal });
  return compare(
    {
      ...{ account: address, mailbox: GMAIL_MAILBOX, sourceId: subscriptions[0]!.subscription.sourceId },
      audit: (given) =>
        gmailAudit({
          ...{ api, address, subscriptions, ledger, log, signal, recorded },
          ...(since !== undefined && { since }),
          ...given,
        }),
    },
    ports,
  );
}

const ledgerName = (account: Account): string =>
  account.kind === 'gmail' ? gmailAddress(account) : accountName(account);

function nobodyReads({ place }: Pick<Ledger, 'place'>, account: string, mailbox: string | undefined): Error {
  const what = mailbox === undefined ? 'any mailbox' : `the mailbox "${mailbox}"`;
  return new Error(
    `No trigger or job of the ledger ${place} reads ${what} of ${account}, so there is nothing to compare. ` +
      'Is it the right ledger, and did the trigger begin with this version?',
  );
}

function accountsOf(
  accounts: Readonly<Record<string, Account>>,
  name: string | undefined,
): readonly (readonly [string, Account])[] {
  if (name === undefined) {
    if (Object.keys(accounts).length > 0) return Object.entries(accounts);
    throw new Mistake('The configuration has no accounts. Name those that are to be compared there.');
  }
  if (Object.hasOwn(accounts, name)) return [[name, accounts[name]!]];
  throw new Mistake(
    `The configuration has no account "${name.slice(0, 60)}". It has ${Object.keys(accounts).slice(0, 20).join(', ') || 'none'}.`,
  );
}

const DATE = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d))?$/;

function sinceOf(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const at = DATE.test(given) ? Date.parse(given) : NaN;
  if (!Number.isNaN(at)) return at;
  throw new Mistake(
    `--since is "${given.slice(0, 40)}". Give a day, 2026-05-20, or a time, 2026-05-20T08:00:00Z.`,
  );
}

const text = (value: Given['values'][string]): string | undefined =>
  typeof value === 'string' ? value : undefined;
