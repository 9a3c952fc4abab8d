// The node's settings that are numbers. The editor and the checks read the same table.
import { DEFAULT_WEBHOOK_LIMITS } from '../../engine/outbox/webhook/webhook-request';
import type { NumberSetting } from '../host/trigger/numbers';

export const WEBHOOK_NUMBERS = {
  waitSeconds: { shown: 'Wait Up To', default: 30, least: 0, most: 3_600 },
  keepDays: { shown: 'Keep in the Log', default: 90, least: 1, most: 3_650 },
  timeoutSeconds: { shown: 'Timeout', default: 15, least: 1, most: 300 },
  mostAtOnce: {
    shown: 'Connections at Once',
    default: DEFAULT_WEBHOOK_LIMITS.mostAtOnce,
    least: 1,
    most: 50,
    whole: true,
  },
  mostAMinute: { shown: 'Webhooks a Minute', default: 0, least: 0, most: 100_000, whole: true },
} as const satisfies Record<string, NumberSetting & { readonly default: number }>;

/** Of a list of delays. */
export const MOST_TRIES = 20;
export const MOST_DELAY_DAYS = 7;
