// What it takes to log in to an IMAP account, and the account's name.

export interface ImapLogin {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte. Otherwise STARTTLS is used where the server offers it. */
  readonly secure: boolean;
  readonly user: string;
  readonly password: string;
  readonly allowUnauthorizedCerts: boolean;
}

/** Names the account without secrets: `user@host`. A port is not part of it: the mails are the same on 143 and 993. */
export const accountName = (login: ImapLogin): string => `${login.user}@${login.host.toLowerCase()}`;
