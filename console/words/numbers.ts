// How numbers are told: with separators, in the one or the many, octets and seconds in units that people read.

const grouped = new Intl.NumberFormat('en');

export const count = (value: number): string => grouped.format(value);

/** "1 mail", "1,234 mails" */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

export function octets(value: number): string {
  if (value < 1_000) return `${value} B`;
  if (value < 1_000_000) return `${Math.round(value / 1_000)} kB`;
  return `${(value / 1_000_000).toFixed(1)} MB`;
}

/** @param value seconds */
export function seconds(value: number): string {
  if (value === 0) return '0 s';
  if (value < 1) return `${Math.round(value * 1_000)} ms`;
  if (value < 100) return `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;
  if (value < 6_000) return `${Math.round(value / 60)} min`;
  return `${Math.round(value / 3_600)} h`;
}
