// The part of the ledger's port that keeps what whoever reads a source wants to know of it after a restart, and in
// another process that takes it over: what of it was seen, done and told. Nothing that a mail's delivery needs.
import type { SourceHold } from './source-holds';

/** As its reader writes it: plain JSON, without secrets and without content of mails. */
export type SourceNote = Readonly<Record<string, unknown>>;

export interface SourceNotes {
  /** What was written last, by whatever process; nothing yet: empty. */
  sourceNote(sourceId: number): Promise<SourceNote>;

  /** Replaces it; does nothing if another process holds the source by now. */
  writeSourceNote(hold: SourceHold, note: SourceNote): Promise<void>;
}
