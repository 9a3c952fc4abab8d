// The part of the ledger's port that keeps what workflows find out about mails: a class, a priority, a summary, any small data.
// Invariants: an annotation stands with its event and goes with it; one of a name replaces the one before, in the transaction
// that tells of it (`email.classified`); it is a person's or a model's word, never trusted, shown as text only; what no database
// can keep is refused, and nothing of it noted.

/** Characters; of `data`, octets of JSON. */
export const MOST_OF_ANNOTATION = {
  name: 64,
  category: 64,
  priority: 32,
  summary: 2_000,
  data: 8_192,
} as const;

/** Of one event, each under a name of its own: whoever looks at a mail is told all of them. */
export const MOST_ANNOTATIONS = 50;

export interface Annotation {
  /** Whose word it is, as the workflow names it: up to 64 characters. */
  readonly name: string;
  /** What people filter by: up to 64 characters. */
  readonly category: string | null;
  /** Up to 32 characters. */
  readonly priority: string | null;
  /** Up to 2,000 characters. */
  readonly summary: string | null;
  /** Any JSON, up to 8 KB as it is stored, and 100 levels (runtime/json-levels.ts). */
  readonly data: unknown;
  /** ms since 1970, the database's clock. */
  readonly at: number;
}

export type NewAnnotation = Omit<Annotation, 'at'>;

/** Lets through what has an annotation that is all of this. */
export interface AnnotationFilter {
  readonly name?: string;
  readonly category?: string;
  readonly priority?: string;
}

/** What is noted with an event under a name, or taken away from it. */
export interface Note {
  readonly event: string;
  readonly name: string;
  /** null: what stands under that name is taken away. */
  readonly annotation: NewAnnotation | null;
}

export interface Annotations {
  /**
   * Notes all of it, in one transaction. Of several for one event and name the last counts, and only that is told. Where one is
   * refused, nothing is noted.
   * @param notes some hundreds at the most: they are written and told together
   * @returns of each, whether its event is there
   * @throws LedgerFault `asked`: one of them cannot be kept, or its event has `MOST_ANNOTATIONS` under other names
   */
  annotate(notes: readonly Note[]): Promise<boolean[]>;
}
