// What it takes to log in to an IMAP account, and the account's name.

/** How the connection is encrypted when TLS does not begin with the first byte (RFC 3501, 6.2.1). */
export type StartTls = 'required' | 'ifOffered' | 'never';

/** Proves who logs in: a password, or an OAuth 2 access token (XOAUTH2, OAUTHBEARER), which is short-lived. */
type Proof = { readonly password: string } | AccessToken;

interface AccessToken {
  readonly accessToken: string;
  /**
   * Another token, for when the server has rejected this one: it may have ended sooner than was promised.
   * @returns the same one, if it is as fresh as can be
   */
  readonly renew?: () => Promise<string>;
}

export interface ImapLogin {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte. Otherwise `startTls` decides. */
  readonly secure: boolean;
  readonly startTls: StartTls;
  readonly user: string;
  readonly proof: Proof;
  readonly allowUnauthorizedCerts: boolean;
  /** PEM. Trusted besides the usual authorities. */
  readonly ca?: string;
  /** PEM, for servers that ask for a certificate of the client. */
  readonly clientCertificate?: {
    readonly certificate: string;
    readonly key: string;
    readonly passphrase?: string;
  };
  /** The most connections that this account may have from this process. */
  readonly mostConnections: number;
  /** The credential that it was read from, for people: `"Office" (Durable IMAP)`. Undefined: it is of none, as in a test. */
  readonly credential?: string;
}

/** Where a person looks for what is to be changed. */
export const credentialOf = ({ credential }: Pick<ImapLogin, 'credential'>): string =>
  credential === undefined ? 'the IMAP credential' : `the credential ${credential}`;

export const DEFAULT_MOST_CONNECTIONS = 3;

/** The ports that belong to one server by convention (RFC 3501, RFC 8314): the mails are the same on both. */
const WELL_KNOWN_PORTS: ReadonlySet<number> = new Set([143, 993]);

/**
 * Names the account without secrets: `user@host`, or `user@host:port` for a port that may be a server of its own,
 * as behind a tunnel.
 */
export const accountName = ({ user, ...server }: Pick<ImapLogin, 'user' | 'host' | 'port'>): string =>
  user + serverPart(server);

/** With what the names of all accounts of a server end. */
export const serverPart = ({ host, port }: Pick<ImapLogin, 'host' | 'port'>): string =>
  `@${host.toLowerCase()}${WELL_KNOWN_PORTS.has(port) ? '' : `:${port}`}`;

/** The login with another token. @returns undefined: it has none, or the token is as fresh as can be */
export async function renewedLogin(login: ImapLogin): Promise<ImapLogin | undefined> {
  const { proof } = login;
  if (!('accessToken' in proof)) return undefined;
  const accessToken = await proof.renew?.();
  if (accessToken === undefined || accessToken === proof.accessToken) return undefined;
  return { ...login, proof: { accessToken } };
}
