// Figures: how they are taken from many measurements, and how people read them.

export const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** @param share 0.5: the median @returns the lowest number that so many of them do not exceed */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

export const median = (numbers: readonly number[]): number => percentile(numbers, 0.5);

export const ms = (time: number): string => `${Math.round(time).toLocaleString('en')} ms`;

export const seconds = (time: number): string => `${(time / 1_000).toFixed(time < 9_950 ? 2 : 1)} s`;

export const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20).toLocaleString('en')} MB`;

export const kilobytes = (bytes: number): string => `${Math.round(bytes / 1_024).toLocaleString('en')} KB`;

export const count = (number: number): string => Math.round(number).toLocaleString('en');

export const ratio = (a: number, b: number): string => (a / b).toFixed(2);
