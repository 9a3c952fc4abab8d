// Annotations as both ledgers store them, and back.
// Invariant: what is too long, or no database can keep, is refused in words, and not cut: half of a text may say the opposite.
import {
  type Annotation,
  MOST_ANNOTATIONS,
  MOST_OF_ANNOTATION,
  type NewAnnotation,
  type Note,
} from '../annotations';
import { askableIds, askableText } from '../askable';
import { LedgerFault } from '../fault';
import { plainData } from '../plain-data';

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

/** The last of each event and name. @throws LedgerFault `asked`: one of all of them cannot be kept */
export function storedNotes(notes: readonly Note[]): {
  readonly noted: readonly StoredNote[];
  readonly removed: readonly StoredNote[];
} {
  const last = new Map<string, StoredNote>();
  for (const { event, name: given, annotation } of notes) {
    const [name, ...words] = annotation ? storedAnnotation(given, annotation) : [annotationName(given)];
    last.set(JSON.stringify([event, name]), { event, name, words: annotation && words });
  }
  const askable = new Set(askableIds([...last.values()].map(({ event }) => event)));
  const all = [...last.values()].filter(({ event }) => askable.has(event));
  return {
    noted: all.filter(({ words }) => words !== null),
    removed: all.filter(({ words }) => words === null),
  };
}

/** What is stored of it, as a statement takes it. @throws LedgerFault `asked`: a part of it cannot be kept, or there is no name */
function storedAnnotation(
  name: string,
  { category, priority, summary, data }: NewAnnotation,
): readonly [name: string, ...others: (string | null)[]] {
  const words = (['category', 'priority', 'summary'] as const).map((part) => {
    const text = { category, priority, summary }[part];
    return text === null ? null : wordOf(text, part);
  });
  const json =
    data === null || data === undefined
      ? null
      : JSON.stringify(plainData(data, 'data', MOST_OF_ANNOTATION.data));
  return [annotationName(name), ...words, json];
}

/** The same, with data that can go anywhere. @throws LedgerFault `asked` */
export function plainAnnotation(name: string, annotation: NewAnnotation): NewAnnotation {
  const json = storedAnnotation(name, annotation).at(-1) ?? null;
  return { ...annotation, data: json === null ? null : (JSON.parse(json) as unknown) };
}

/** @throws LedgerFault `asked` */
function annotationName(name: string): string {
  if (name !== '') return wordOf(name, 'name');
  throw new LedgerFault('asked', 'An annotation needs a name.');
}

/** An email would have more than may stand with it. */
export const tooManyAnnotations = (): LedgerFault =>
  new LedgerFault(
    'asked',
    `An email keeps ${MOST_ANNOTATIONS} annotations, each under a name of its own, and this would be one more. ` +
      'Use a name again, or remove one.',
  );

function wordOf(given: string, part: 'name' | 'category' | 'priority' | 'summary'): string {
  const text = askableText(given, part);
  const most = MOST_OF_ANNOTATION[part];
  if (text.length <= most) return text;
  throw new LedgerFault(
    'asked',
    `This annotation's ${part} has ${text.length} characters: up to ${most} are kept with an email. Shorten it.`,
  );
}
