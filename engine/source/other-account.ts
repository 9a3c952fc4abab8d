// A mail that is to be read again, where the credential has come to lead to another account.

/**
 * Another account's mail is not gone because it is not in this one.
 * @param account whose it is
 * @param leadsTo the login's
 * @param credential that of the login, for people: `"Office" (IMAP)`
 */
export const otherAccount = (account: string, leadsTo: string, credential?: string): Error =>
  new Error(
    `This mail is not in the mail ledger any more, and it was in ${account}; the credential ` +
      `${credential === undefined ? '' : `${credential} `}leads to ${leadsTo}. Choose a credential of that account, or mark the event done with the Mail Ledger node.`,
  );
