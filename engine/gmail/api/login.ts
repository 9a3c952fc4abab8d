// Whose mail is read, and how the API is reached for it.
import type { SendHttp } from '../../http/send';

/** Where the APIs are; a private endpoint of an organisation, or an emulator, has another address. */
interface Endpoints {
  /** https://gmail.googleapis.com */
  readonly gmail: string;
  /** https://pubsub.googleapis.com */
  readonly pubsub: string;
}

/** Which of Google's price lists counts: `new` for projects since 2026-05. */
export type QuotaTable = 'new' | 'old';

/**
 * A token for requests, fresh enough for the next one.
 * @param afterRejection the one handed out last was not accepted
 * @throws GmailFault `login`, `unreachable`
 */
export type AccessToken = (afterRejection: boolean) => Promise<string>;

/** The credential that a login is made of. */
export interface GmailCredential {
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** What kind it is, for people, as n8n shows it. */
  readonly type?: string;
}

export interface GmailLogin {
  /** The account's address, lower case: what names the source. */
  readonly address: string;
  readonly token: AccessToken;
  readonly send: SendHttp;
  readonly endpoints: Endpoints;
  readonly quota: QuotaTable;
  /** Undefined: it is of none, as in a test. */
  readonly credential?: GmailCredential;
  /** Names what was stored as the login when it was read: it changes with each edit. */
  readonly stored?: string;
}

/** The account, and with which credential it was asked: for faults that concern this login alone. */
export const named = ({ address, credential }: Pick<GmailLogin, 'address' | 'credential'>): string =>
  credential
    ? `${address} with the credential "${credential.name}"${credential.type ? ` (${credential.type})` : ''}`
    : address;
