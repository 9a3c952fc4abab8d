// A filter in one form, the same for whatever finds the same: in any order, however often it says something, and in any case of
// letters where the ledger minds none.

const CASELESS: ReadonlySet<string> = new Set(['sender', 'recipient', 'subject']);

export function meantBy(filter: object): string {
  const parts = Object.entries(filter).map(([name, value]): [string, unknown] => [name, plain(name, value)]);
  return JSON.stringify(parts.sort(([one], [other]) => (one < other ? -1 : 1)));
}

function plain(name: string, value: unknown): unknown {
  if (Array.isArray(value)) return [...new Set(value as readonly unknown[])].sort();
  if (typeof value === 'string') return CASELESS.has(name) ? value.toLowerCase() : value;
  return typeof value === 'object' && value !== null ? Object.entries(value).sort() : value;
}
