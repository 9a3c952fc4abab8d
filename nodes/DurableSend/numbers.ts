// The node's settings that are numbers. The editor and the checks read the same table.
import { DEFAULT_MAIL_LIMITS } from '../../engine/outbox/mail/mail-request';
import type { NumberSetting } from '../host/trigger/numbers';

export const SEND_NUMBERS = {
  waitSeconds: { shown: 'Wait Up To', default: 30, least: 0, most: 3_600 },
  keepDays: { shown: 'Keep in the Log For', default: 90, least: 1, most: 3_650 },
  mostAtOnce: {
    shown: 'Connections at Once',
    default: DEFAULT_MAIL_LIMITS.mostAtOnce,
    least: 1,
    most: 50,
    whole: true,
  },
  mostAMinute: {
    shown: 'Emails a Minute',
    default: DEFAULT_MAIL_LIMITS.mostAMinute ?? 0,
    least: 0,
    most: 100_000,
    whole: true,
  },
} as const satisfies Record<string, NumberSetting & { readonly default: number }>;

/** What a whole email may take, with its attachments as they are sent, in MB: no server that is known takes more. */
export const MOST_EMAIL_MB = 150;
/** Of a list of delays. */
export const MOST_TRIES = 20;
export const MOST_DELAY_DAYS = 7;
