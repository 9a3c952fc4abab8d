// Reads a mail again from Gmail, for one whose content is not in the ledger: it was too large to be stored, or it was
// run before and is to be run once more.
// Invariant: another account's mail is never taken for one that is gone; null means that Gmail does not have it.
import type { Claim } from '../../ledger/pointer';
import { headerBlock } from '../../mail/headers';
import { otherAccount } from '../../source/other-account';
import type { GmailApi } from '../api/api';
import { gmailMailBytes } from '../mail/stored';
import { type GmailEvent, STARRED } from '../mail/event';
import { gmailIdOf, labelOf } from '../mail/identity';

export interface GmailMailAgain {
  /** As it would be stored, unpacked (content.ts); of the message only its headers where `truncated`. */
  readonly raw: Buffer;
  readonly truncated: boolean;
}

/** Reads any number of mails of an account, one after another. */
export class GmailRereader {
  readonly #api: Pick<GmailApi, 'message'>;
  readonly #address: string;
  readonly #credential: string | undefined;

  /**
   * @param address the account that the API leads to, as sources name it
   * @param credential that of the login, for people: `"Office" (Gmail OAuth2 API)`
   */
  constructor(api: Pick<GmailApi, 'message'>, address: string, credential?: string) {
    this.#api = api;
    this.#address = address;
    this.#credential = credential;
  }

  /**
   * @param mostBytes of a larger mail only the headers are handed out
   * @returns null: the account does not have it any more
   * @throws GmailFault: Gmail could not be asked @throws Error: it was in another account
   */
  async read(claim: Claim, mostBytes: number): Promise<GmailMailAgain | null> {
    if (claim.account !== this.#address) throw otherAccount(claim.account, this.#address, this.#credential);
    const message = await this.#api.message(gmailIdOf(claim.identity), 'new');
    if (!message) return null;
    const truncated = claim.size > mostBytes;
    const raw = truncated ? headerBlock(message.raw) : message.raw;
    const label = labelOf(claim.identity);
    const bytes = gmailMailBytes(
      { ...message, raw },
      eventOf(label, message.labelIds),
      label === null ? [] : [label],
    );
    return { raw: bytes, truncated };
  }

  /** It holds nothing open. */
  end(): Promise<void> {
    return Promise.resolve();
  }
}

/** The identity tells it but for what was sent: only that has no other place. */
function eventOf(label: string | null, labelIds: readonly string[]): GmailEvent {
  if (label === STARRED) return 'starred';
  if (label !== null) return 'labelAdded';
  return labelIds.includes('SENT') && !labelIds.includes('INBOX') ? 'sent' : 'received';
}
