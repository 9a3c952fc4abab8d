// A retry schedule as people write it: "30s, 1m, 5m" are three retries, after those waits.

export const DEFAULT_RETRY_SCHEDULE = '30s, 1m, 5m';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const MOST_RETRIES = 20;
const MOST_DELAY_MS = 30 * 86_400_000;

/** @returns the waits in ms @throws Error that names the faulty part */
export function parseRetrySchedule(text: string): number[] {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (parts.length > MOST_RETRIES)
    throw new Error(`At most ${MOST_RETRIES} retries are possible, not ${parts.length}.`);
  return parts.map((part) => {
    const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*([smhd])$/i.exec(part) ?? [];
    if (!amount || !unit) {
      throw new Error(
        `"${part}" is not a time. Write waits such as "${DEFAULT_RETRY_SCHEDULE}", with s, m, h or d.`,
      );
    }
    const ms = Math.round(Number(amount) * UNIT_MS[unit.toLowerCase()]!);
    if (ms > MOST_DELAY_MS) throw new Error(`"${part}" is too long: a retry waits 30 days at most.`);
    return ms;
  });
}
