// The settings that are numbers and that only IMAP has.
import type { NumberSetting } from '../../host/trigger/numbers';

/** Among the options, by name. */
export const WATCH_NUMBERS = {
  answerWithin: { shown: 'Answer Within', default: 30, least: 5, most: 120 },
  forceReconnect: { shown: 'Force Reconnect Every Minutes', least: 0, most: 10_080 },
  heartbeat: { shown: 'Heartbeat', least: 10, most: 1_500 },
} as const satisfies Record<string, NumberSetting>;

/** Among the filters. */
export const LARGER_THAN = {
  shown: 'Larger Than',
  least: 0,
  most: 1_000_000,
} as const satisfies NumberSetting;
export const SMALLER_THAN = {
  shown: 'Smaller Than',
  least: 0.001,
  most: 1_000_000,
} as const satisfies NumberSetting;
