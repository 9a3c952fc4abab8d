// By whose login the account is reached: the triggers that share it may each have a credential of their own.
// Invariants: who now signs in to another account is told to move, and nothing is read for them any more; a credential
// that cannot be read, or that Google rejects, keeps nobody else from the account.
import { unlessAborted } from '../../runtime/time';
import type { GmailApi } from '../api/api';
import { GmailClient } from '../api/client';
import type { GmailLogin } from '../api/login';
import type { GmailSubscriber } from './account';

export interface Reached {
  readonly api: GmailApi;
  readonly login: GmailLogin;
  /** Those who are still on this account. */
  readonly subscribers: readonly GmailSubscriber[];
}

export class Reach {
  readonly #address: string;
  /** Logins that were rejected so far, and those since one was not. */
  #rejections = 0;
  #inARow = 0;
  #logins = 1;

  constructor(address: string) {
    this.#address = address;
  }

  /**
   * The account over a login as it is stored now: an edit of a credential restarts nothing.
   * @returns undefined: everybody has moved to another account @throws GmailFault: no login can be read
   */
  async account(subscribers: readonly GmailSubscriber[], signal: AbortSignal): Promise<Reached | undefined> {
    const logins: GmailLogin[] = [];
    const here: GmailSubscriber[] = [];
    let unreadable: unknown;
    // All at once: one that takes its time is waited for once, not once for each trigger.
    const reading = subscribers.map(async (subscriber) => subscriber.login());
    const read = await unlessAborted(Promise.allSettled(reading), signal);
    for (const [index, subscriber] of subscribers.entries()) {
      const answer = read[index]!;
      if (answer.status === 'rejected') {
        here.push(subscriber);
        unreadable ??= answer.reason;
      } else if (answer.value.address === this.#address) {
        logins.push(answer.value);
        here.push(subscriber);
      } else {
        subscriber.moved();
      }
    }
    this.#logins = logins.length;
    if (logins.length === 0 && unreadable !== undefined) throw unreadable as Error;
    const login = logins[this.#rejections % Math.max(logins.length, 1)];
    return login && { api: new GmailClient(login, { signal }), login, subscribers: here };
  }

  accepted(): void {
    this.#inARow = 0;
  }

  /** @returns whether another login is still to be tried */
  rejected(): boolean {
    this.#rejections++;
    this.#inARow++;
    return this.#inARow < this.#logins;
  }
}
