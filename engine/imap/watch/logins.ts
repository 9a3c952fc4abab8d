// The logins by which one account is reached: triggers of one user may each have a credential of their own.
// Invariants: what is wrong with one login is told to those whose own it is, in words of that login's fault; one that the
// server did not take is not tried again while another one works, unless something else is stored.
import { createHash } from 'node:crypto';
import { ImapFault } from '../session/fault';
import { accountName, type ImapLogin } from '../session/login';
import type { ImapSubscriber } from './subscriber';

/** A login, and those who have it. */
export interface OwnedLogin {
  readonly login: ImapLogin;
  readonly owners: readonly ImapSubscriber[];
}

/** It says something of the login, or of how it is encrypted, and nothing of the account: another login may do. */
export const ofOneLogin = (error: unknown): error is ImapFault =>
  error instanceof ImapFault && (error.kind === 'login' || error.kind === 'tls');

interface Trouble {
  readonly fault: Error;
  /** What was tried; null: it could not be read. */
  readonly print: string | null;
  told: boolean;
}

export class ImapLogins {
  readonly #account: string;
  readonly #troubles = new Map<ImapSubscriber, Trouble>();
  /** Where all are rejected they are tried in turn. */
  #turn = 0;

  constructor(account: string) {
    this.#account = account;
  }

  /**
   * The login to be tried now. Those who moved to another account are told to leave; somebody whose credential cannot be
   * read keeps nobody else from the account.
   * @returns undefined: everybody has moved @throws Error: no credential can be read
   */
  async next(subscribers: readonly ImapSubscriber[]): Promise<OwnedLogin | undefined> {
    const found = new Map<string, { readonly login: ImapLogin; readonly owners: ImapSubscriber[] }>();
    let unreadable: { readonly error: unknown } | undefined;
    for (const subscriber of subscribers) {
      try {
        const login = await subscriber.login();
        if (accountName(login) !== this.#account) {
          subscriber.moved();
          continue;
        }
        if (this.#troubles.get(subscriber)?.print !== printOf(login)) this.#troubles.delete(subscriber);
        const name = printOf(login, tokenOf(login));
        const known = found.get(name) ?? { login, owners: [] };
        found.set(name, known);
        known.owners.push(subscriber);
      } catch (error) {
        unreadable ??= { error };
        this.#trouble([subscriber], asError(error), null);
      }
    }
    this.#forgetOthers(subscribers);
    const all = [...found.values()];
    if (all.length === 0 && unreadable) throw unreadable.error;
    const open = all.filter(({ owners }) => !owners.some((owner) => this.#troubles.has(owner)));
    return open[0] ?? all[this.#turn % Math.max(all.length, 1)];
  }

  /** The server did not take it. @returns whether there is another one that it has not rejected */
  rejected({ login, owners }: OwnedLogin, fault: ImapFault, subscribers: readonly ImapSubscriber[]): boolean {
    this.#turn++;
    this.#trouble(owners, fault, printOf(login));
    return subscribers.some((one) => !this.#troubles.has(one));
  }

  /** The server took it: those whose own login does not do are told, once. */
  accepted({ owners }: OwnedLogin): void {
    for (const owner of owners) this.#troubles.delete(owner);
    for (const [owner, trouble] of this.#troubles) {
      if (trouble.told || !needsPerson(trouble.fault)) continue;
      trouble.told = true;
      const { fault } = trouble;
      owner.warn(
        new ImapFault(
          fault instanceof ImapFault ? fault.kind : 'login',
          `The mailbox is read with the credential of another workflow only, since this workflow's own does not work: ` +
            fault.message,
          { cause: fault },
        ),
      );
    }
  }

  /** What is wrong for this one, where it has a login of its own that does not do. */
  faultOf(subscriber: ImapSubscriber): Error | undefined {
    return this.#troubles.get(subscriber)?.fault;
  }

  #trouble(owners: readonly ImapSubscriber[], fault: Error, print: string | null): void {
    for (const owner of owners) {
      const before = this.#troubles.get(owner);
      this.#troubles.set(owner, { fault, print, told: before?.print === print && before.told });
    }
  }

  #forgetOthers(subscribers: readonly ImapSubscriber[]): void {
    for (const known of this.#troubles.keys()) if (!subscribers.includes(known)) this.#troubles.delete(known);
  }
}

/** What passes, such as a token that cannot be fetched now, concerns nobody while another login works. */
const needsPerson = (fault: Error): boolean => !(fault instanceof ImapFault) || ofOneLogin(fault);

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

const tokenOf = ({ proof }: ImapLogin): string => ('accessToken' in proof ? proof.accessToken : '');

/** One text for one login as a person entered it, without its secrets. @param token that of now: a person did not enter it */
function printOf(login: ImapLogin, token = ''): string {
  const { host, port, secure, startTls, user, proof, allowUnauthorizedCerts, ca, clientCertificate } = login;
  const secret = 'password' in proof ? proof.password : token;
  const all = { host, port, secure, startTls, user, secret, allowUnauthorizedCerts, ca, clientCertificate };
  return createHash('sha256').update(JSON.stringify(all)).digest('hex');
}
