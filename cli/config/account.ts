// An account of the configuration, of whichever kind: an IMAP server's, or Google's by the Gmail API.
/* eslint-disable @typescript-eslint/explicit-module-boundary-types -- what zod infers is the type */
import type { z } from 'zod/v4';
import type { AccountToCollect } from '../../engine/instance/account-to-collect';
import { accountName } from '../../engine/imap/session/login';
import {
  checkGmailAccount,
  gmailAccountSchema,
  gmailAddress,
  gmailLoginOf,
  pubsubTokenOf,
  storedGmailLogin,
} from './gmail-account';
import { checkImapAccount, imapAccountSchema, imapLoginOf } from './imap-account';
import type { Origin } from './secret';
import { mustBe, type Zod } from './words';

export const accountSchema = (zod: Zod, origin: Origin) =>
  zod.discriminatedUnion(
    'kind',
    [imapAccountSchema(zod, origin), gmailAccountSchema(zod, origin)],
    mustBe('imap or gmail'),
  );

export type Account = z.output<ReturnType<typeof accountSchema>>;

/** Reads all that a login takes, and asks nobody. @throws Error that names what is missing */
export function checkAccount(name: string, account: Account): void {
  if (account.kind === 'gmail') checkGmailAccount(name, account);
  else checkImapAccount(name, account);
}

/** As it is collected for triggers of n8n. */
export function accountToCollect(name: string, account: Account): AccountToCollect {
  if (account.kind !== 'gmail')
    return { kind: 'imap', account: accountName(account), login: imapLoginOf(name, account) };
  const pubsubToken = pubsubTokenOf(name, account);
  return {
    ...{ kind: 'gmail', account: gmailAddress(account), login: gmailLoginOf(name, account) },
    stored: storedGmailLogin(account),
    ...(pubsubToken && { pubsubToken }),
  };
}
