// The settings that are numbers: what they are called, what they may be, and what they are where nobody set them.
// The editor and the checks read the same table.

export interface NumberSetting {
  readonly shown: string;
  /** undefined: without it, the setting does not apply. */
  readonly default?: number;
  readonly least: number;
  readonly most: number;
  readonly whole?: boolean;
}

/** The options that all mail triggers have and that are numbers, by name. */
export const NUMBERS = {
  attachmentMostSize: { shown: 'Attachments Up To', default: 0, least: 0, most: 250 },
  keepContentDays: { shown: 'Keep Content For', default: 0, least: 0, most: 3_650 },
  keepEventsDays: { shown: 'Keep Events For', default: 90, least: 1, most: 3_650 },
  mailsPerRun: { shown: 'Mails per Run', default: 1, least: 1, most: 100, whole: true },
  mostInFlight: { shown: 'Runs at Once', default: 5, least: 1, most: 100, whole: true },
  reportAfter: { shown: 'Report an Outage After', default: 5, least: 0, most: 1_440 },
  startWithin: { shown: 'Start Within', default: 5, least: 0.5, most: 1_440 },
  storeUpTo: { shown: 'Store Mails Up To', default: 50, least: 0, most: 200 },
  truncateAbove: { shown: 'Truncate Mails Above', default: 250, least: 0.1, most: 250 },
} as const satisfies Record<string, NumberSetting>;

/** What is entered elsewhere than among the options. */
export const START_COUNT = {
  shown: 'Start With: How Many',
  default: 50,
  least: 1,
  most: 1_000_000,
  whole: true,
} as const satisfies NumberSetting;

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;
export const KILOBYTE = 1024;
export const MEGABYTE = 1024 * 1024;

/** @returns null: nobody set it, and it has no default @throws Error that names the setting */
export function readNumber(value: unknown, setting: NumberSetting & { readonly default: number }): number;
export function readNumber(value: unknown, setting: NumberSetting): number | null;
export function readNumber(value: unknown, setting: NumberSetting): number | null {
  const { shown, whole = false, least, most } = setting;
  const number = value ?? setting.default ?? null;
  if (number === null) return null;
  const fits = typeof number === 'number' && number >= least && number <= most;
  if (fits && (!whole || Number.isInteger(number))) return number;
  throw new Error(`"${shown}" must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}.`);
}
