// Annotations as both ledgers store them, and back.
// Invariant: what is too long is refused in words, not cut: half of a text may say the opposite.
import type { Annotation, NewAnnotation } from '../annotations';
import { LedgerFault } from '../fault';
import { storableJson } from './storable';

const MOST = { name: 64, category: 64, priority: 32, summary: 2_000 } as const;
const MOST_DATA_BYTES = 8_192;

/** JSON of a list of lists, in this order; null: there is none. */
type Listed = readonly [
  ...[name: string, category: string | null, priority: string | null],
  ...[summary: string | null, data: string | null, at: number],
];

export const annotationsOf = (listed: string | null): Annotation[] =>
  ((JSON.parse(listed ?? '[]') ?? []) as Listed[]).map(([name, category, priority, summary, data, at]) => ({
    ...{ name, category, priority, summary },
    data: data === null ? null : (JSON.parse(data) as unknown),
    at,
  }));

/** What is stored of it, as a statement takes it. @throws LedgerFault: a part of it is too long, or there is no name */
export function storedAnnotation(
  name: string,
  { category, priority, summary, data }: NewAnnotation,
): readonly [name: string, ...others: (string | null)[]] {
  const texts = JSON.parse(storableJson({ name, category, priority, summary })) as Record<
    keyof typeof MOST,
    string | null
  >;
  for (const [part, most] of Object.entries(MOST) as [keyof typeof MOST, number][]) {
    const { length } = texts[part] ?? '';
    if (length > most) throw tooLong(`${part} has ${length} characters: up to ${most}`);
  }
  if (!texts.name) throw new LedgerFault('other', 'An annotation needs a name.');
  const json = data === null || data === undefined ? null : storableJson(data);
  const bytes = Buffer.byteLength(json ?? '');
  if (bytes > MOST_DATA_BYTES) throw tooLong(`data has ${bytes} bytes: up to ${MOST_DATA_BYTES}`);
  return [texts.name, texts.category, texts.priority, texts.summary, json];
}

const tooLong = (what: string): LedgerFault =>
  new LedgerFault('other', `This annotation's ${what} are kept with an email. Shorten it.`);
