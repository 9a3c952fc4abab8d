// The command `durable-mail audit`: compares mailboxes with the ledger, and says what is missing there.
// Invariants: it changes nothing, unless it is told to record; what it records it records under the source's lease, so never beside
// somebody who reads that mailbox; no content of a mail is told.
import { auditedOf } from '../../engine/imap/audit/audited';
import { accountName } from '../../engine/imap/session/login';
import { ImapSession } from '../../engine/imap/session/session';
import { openPlace } from '../../engine/instance/place';
import type { Log } from '../../engine/runtime/log';
import { errorText } from '../../engine/runtime/log';
import { SourceLeases } from '../../engine/source/leases';
import { configFile } from '../collect/collect';
import { type Command, type CommandPorts, type Given, Mistake } from '../command';
import type { Account } from '../config/account';
import { type ImapAccount, imapLoginOf } from '../config/imap-account';
import { readConfig } from '../config/config';
import { ledgerPlace } from '../ledger';
import { auditOne, type MailboxPorts } from './mailbox';
import { type Reporter, reporterOf } from './report';

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
  --list            a line for each mail that is missing: UID, date and size
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
  const wanted = accountsOf(accounts, text(values['account']), log);
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

interface AccountPorts extends Omit<MailboxPorts, 'session' | 'account'> {
  readonly log: Log;
  readonly report: Reporter;
}

/** @returns false: something is missing, or could not be compared, which is told */
async function auditAccount(
  name: string,
  account: ImapAccount,
  mailbox: string | undefined,
  ports: AccountPorts,
): Promise<boolean> {
  const { report, ledger, signal } = ports;
  const known = accountName(account);
  let session: ImapSession | null = null;
  try {
    const mailboxes = [...(await auditedOf(ledger, known))].filter(
      ([one]) => mailbox === undefined || one === mailbox,
    );
    if (mailboxes.length === 0) {
      const what = mailbox === undefined ? 'any mailbox' : `the mailbox "${mailbox}"`;
      throw new Error(
        `No trigger or job of the ledger ${ledger.place} reads ${what} of ${known}, so there is nothing to compare. ` +
          'Is it the right ledger, and did the trigger begin with this version?',
      );
    }
    session = await ImapSession.connect(await imapLoginOf(name, account)(), signal);
    let isWell = true;
    for (const [one, subscriptions] of mailboxes) {
      isWell = (await auditOne(one, subscriptions, { ...ports, session, account: known })) && isWell;
    }
    return isWell;
  } catch (error) {
    report.failed({ account: known, mailbox: null }, errorText(error));
    return false;
  } finally {
    await session?.end().catch(() => undefined);
  }
}

/** Gmail has no mailboxes that could be listed mail by mail without reading each. */
const isAuditable = (account: Account): account is ImapAccount => account.kind !== 'gmail';

function accountsOf(
  accounts: Readonly<Record<string, Account>>,
  name: string | undefined,
  log: Log,
): readonly (readonly [string, ImapAccount])[] {
  if (name === undefined) {
    const all = Object.entries(accounts);
    const audited = all.flatMap(([one, account]) => (isAuditable(account) ? [[one, account] as const] : []));
    const others = all.filter(([, account]) => !isAuditable(account)).map(([one]) => one);
    if (others.length > 0)
      log.warn(`Not compared, since they are read by the Gmail API: ${others.join(', ')}`);
    if (audited.length > 0) return audited;
    throw new Mistake('The configuration has no IMAP accounts. Name those that are to be compared there.');
  }
  if (Object.hasOwn(accounts, name)) {
    const account = accounts[name]!;
    if (isAuditable(account)) return [[name, account]];
    throw new Mistake(
      `The account ${name} is read by the Gmail API: only mailboxes that are read by IMAP can be compared.`,
    );
  }
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
