// How closely a Gmail account is watched, where nobody has set it.
import type { PolledTimes } from '../../polled/pace';

export interface GmailTimes extends PolledTimes {
  /** How often the labels of the settings are compared with those of the account. */
  readonly labelsMs: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

export const GMAIL_TIMES: GmailTimes = {
  standbyMs: 5 * SECOND,
  lookMs: MINUTE,
  olderMs: 5 * SECOND,
  leastLookMs: SECOND,
  earlyMs: 500,
  // Google drops notices above one a second.
  tailMs: 2 * SECOND,
  labelsMs: 4 * 60 * MINUTE,
  storedMs: MINUTE,
  notifiedPollMs: 5 * MINUTE,
  retryMs: [30 * SECOND, MINUTE, 5 * MINUTE],
  rejectedMs: [30 * SECOND, 5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 40 * MINUTE, 60 * MINUTE],
  ledger: { firstMs: SECOND, mostMs: 30 * SECOND },
  leastRetryMs: 5 * SECOND,
};
