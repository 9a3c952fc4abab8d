// What Pub/Sub delivers about an account, as it is pushed to a webhook or pulled from a subscription
// (https://developers.google.com/workspace/gmail/api/guides/push#receiving_notifications). Only a hint that there may be
// news: where to read from is in the ledger. Invariant: whatever is delivered, nothing is thrown.

export interface Notice {
  /** The account's address, lower case. */
  readonly address: string;
  /** Exactly as Google wrote it: it may be larger than a number can hold. */
  readonly historyId: string;
}

export interface Push extends Notice {
  /** projects/P/subscriptions/S */
  readonly subscription: string;
}

/** Far more than Gmail ever sends, base64. */
const MOST_DATA = 4_096;

/** @returns null: it is no push of Pub/Sub about an account */
export function readPush(body: unknown): Push | null {
  const subscription = field(body, 'subscription');
  const notice = readNotice(field(field(body, 'message'), 'data'));
  return notice && { ...notice, subscription: typeof subscription === 'string' ? subscription : '' };
}

/** @param data of a Pub/Sub message: JSON in base64 @returns null: it is not about an account */
export function readNotice(data: unknown): Notice | null {
  if (typeof data !== 'string' || data.length > MOST_DATA) return null;
  let notice: unknown;
  try {
    notice = JSON.parse(Buffer.from(data, 'base64').toString(), keepExact);
  } catch {
    return null;
  }
  const address = field(notice, 'emailAddress');
  const historyId = field(notice, 'historyId');
  if (typeof address !== 'string' || address === '') return null;
  if (typeof historyId !== 'string' || !/^\d{1,20}$/.test(historyId)) return null;
  return { address: address.toLowerCase(), historyId };
}

/** JSON.parse passes the number's own text, which its types do not know yet. */
function keepExact(
  this: unknown,
  _name: string,
  value: unknown,
  ...[context]: { source?: string }[]
): unknown {
  return typeof value === 'number' ? (context?.source ?? String(value)) : value;
}

function field(data: unknown, name: string): unknown {
  return typeof data === 'object' && data !== null && Object.hasOwn(data, name)
    ? Reflect.get(data, name)
    : undefined;
}
