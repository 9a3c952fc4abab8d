// Annotations as both ledgers store them, and back.
// Invariant: what is too long is refused in words, not cut: half of a text may say the opposite.
import type { Annotation, NewAnnotation, Note } from '../annotations';
import { LedgerFault } from '../fault';
import { storable, storableJson } from './storable';

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

/** A note as a statement takes it; without words it is taken away. */
export interface StoredNote {
  readonly event: string;
  readonly name: string;
  readonly words: readonly (string | null)[] | null;
}

/** The last of each event and name. @throws LedgerFault: one of all of them cannot be stored */
export function storedNotes(notes: readonly Note[]): {
  readonly noted: readonly StoredNote[];
  readonly removed: readonly StoredNote[];
} {
  const last = new Map<string, StoredNote>();
  for (const { event, name: given, annotation } of notes) {
    const [name, ...words] = annotation ? storedAnnotation(given, annotation) : [storable(given)];
    last.set(JSON.stringify([event, name]), { event, name, words: annotation && words });
  }
  const all = [...last.values()];
  return {
    noted: all.filter(({ words }) => words !== null),
    removed: all.filter(({ words }) => words === null),
  };
}

/** What is stored of it, as a statement takes it. @throws LedgerFault: a part of it is too long, or there is no name */
function storedAnnotation(
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
