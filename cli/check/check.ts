// The command `durable-mail check`: connects to all that the configuration names, and says line by line what is well, and what is
// wrong and what to do.
// Invariants: it changes nothing, and sends nothing; what is wrong with one thing keeps it from no other.
import { checkRedis } from '../../engine/redis/check';
import { redisFromUrl } from '../../engine/redis/settings';
import { errorText } from '../../engine/runtime/log';
import type { Command, CommandPorts, Given } from '../command';
import { openAccountsTable } from '../collect/accounts-table';
import { configFile } from '../collect/collect';
import { toDoList } from '../collect/to-do';
import { readConfig } from '../config/config';
import type { Config } from '../config/schema';
import { readSecret } from '../config/secret';
import { ledgerPlace } from '../ledger';
import { checkGmailAccount } from './gmail-account';
import { checkImapAccount } from './imap-account';
import { checkLedger } from './ledger';
import { checkWebhook } from './webhooks';

export const check: Command = {
  name: 'check',
  summary: 'connects to all that a configuration file names, and says what is wrong',
  help: `It looks at the mail ledger, logs in to each account and looks for its mailboxes, reads the table of accounts, and looks
where webhooks would go, without sending any. Its exit code is 1 if anything is wrong.

  --config FILE    default: DURABLE_MAIL_CONFIG

  durable-mail check --config /etc/durable-mail/mail.yaml`,
  options: { config: { type: 'string' } },
  run,
};

/** Servers are asked side by side, and not all at once. */
const AT_ONCE = 5;

/** What is well, for people. @throws Error: what is wrong, and what to do */
type Check = () => Promise<string>;

async function run(given: Given, { env, print, signal }: CommandPorts): Promise<number> {
  const file = configFile(given, env);
  const config = await readConfig(file);
  print(`well   configuration ${file}: it can be used`);
  let wrong = 0;
  const told = async (what: string, checked: Check): Promise<void> => {
    try {
      print(line('well', what, await checked()));
    } catch (error) {
      wrong++;
      print(line('WRONG', what, errorText(error)));
    }
  };
  await told('ledger', async () => checkLedger(ledgerPlace()));
  const { redis } = config;
  if (redis) await told('redis', () => checkRedis(redisFromUrl(readSecret(redis.url)), false));
  const rows = await tableRows(config, told);
  const { todo, accounts: known, wrong: unusable } = await toDoList(config, rows);
  for (const text of unusable) await told('accounts', () => Promise.reject(new Error(text)));
  // Also those that no job has: they may be for n8n.
  const accounts = [...known];
  for (let at = 0; at < accounts.length; at += AT_ONCE) {
    await Promise.all(
      accounts.slice(at, at + AT_ONCE).map(([name, account]) => {
        const jobs = todo.filter(({ accountName }) => accountName === name);
        return told(`account ${name}`, () =>
          account.kind === 'gmail'
            ? checkGmailAccount(name, account, jobs, signal)
            : checkImapAccount(name, account, jobs, signal),
        );
      }),
    );
  }
  for (const { name, job } of new Map(todo.map((one) => [one.name, one])).values()) {
    const { webhook } = job.to;
    if (webhook) await told(`job ${name}`, () => checkWebhook(webhook));
  }
  print(wrong === 0 ? 'All is well.' : `${wrong} ${wrong === 1 ? 'thing is' : 'things are'} wrong.`);
  return wrong === 0 ? 0 : 1;
}

const line = (word: string, what: string, text: string): string =>
  `${word.padEnd(7)}${what}: ${text.replace(/\s*[\r\n]+\s*/g, ' ')}`;

async function tableRows(
  { accountsFrom }: Config,
  told: (what: string, checked: Check) => Promise<void>,
): Promise<readonly unknown[] | null> {
  if (!accountsFrom) return null;
  let rows: readonly unknown[] | null = null;
  await told('table of accounts', async () => {
    const table = await openAccountsTable(accountsFrom.postgres, () => undefined);
    try {
      rows = await table.rows();
      return `${table.place} gives ${rows.length} ${rows.length === 1 ? 'row' : 'rows'}`;
    } finally {
      await table.close();
    }
  });
  return rows;
}
