// What the ledger keeps of an account for after a restart, or for the process that takes it over: the names of the
// labels that settings name, who was told that one is gone, and when notifications to another topic were stopped.
// Invariant: a ledger that cannot be asked for it stops nothing, and loses nothing of what this process knows.
import type { SourceHold } from '../../ledger/source-holds';
import type { SourceNote, SourceNotes } from '../../ledger/source-notes';
import { errorText, type Log } from '../../runtime/log';

export interface AccountNote {
  /** The last known names of labels, by id. */
  readonly labelNames: Readonly<Record<string, string>>;
  /** Ids of labels, by subscription: who was told that they are gone. */
  readonly labelsGone: Readonly<Record<string, readonly string[]>>;
  /** For which topic another one was last stopped, and when: ms since 1970, this machine's clock. */
  readonly stopped: { readonly topic: string; readonly at: number } | null;
}

const NOTHING: AccountNote = { labelNames: {}, labelsGone: {}, stopped: null };

export class AccountNotes {
  readonly #sourceId: number;
  readonly #hold: () => SourceHold | null;
  readonly #ledger: SourceNotes;
  readonly #log: Log;
  #known = NOTHING;
  #wasRead = false;
  /** What the ledger has not taken yet. */
  #unwritten: Partial<AccountNote> = {};

  constructor(sourceId: number, hold: () => SourceHold | null, ledger: SourceNotes, log: Log) {
    this.#sourceId = sourceId;
    this.#hold = hold;
    this.#ledger = ledger;
    this.#log = log;
  }

  /** As the ledger has it now; where it cannot be asked, as it was last known. */
  async read(): Promise<AccountNote> {
    try {
      this.#known = { ...toNote(await this.#ledger.sourceNote(this.#sourceId)), ...this.#unwritten };
      this.#wasRead = true;
    } catch (error) {
      this.#log.debug(`What was noted of a Gmail account could not be read: ${errorText(error)}`);
    }
    return this.#known;
  }

  /** To be called after `read`, by one at a time. */
  async write(part: Partial<AccountNote>): Promise<void> {
    this.#unwritten = { ...this.#unwritten, ...part };
    this.#known = { ...this.#known, ...part };
    const hold = this.#hold();
    if (!hold || !this.#wasRead) return;
    try {
      await this.#ledger.writeSourceNote(hold, { ...this.#known });
      this.#unwritten = {};
    } catch (error) {
      this.#log.debug(`What is to be noted of a Gmail account could not be stored: ${errorText(error)}`);
    }
  }
}

/** Whatever else stands there is of another version. */
function toNote(note: SourceNote): AccountNote {
  const { labelNames, labelsGone, stopped } = note as Partial<AccountNote>;
  return {
    labelNames: labelNames ?? NOTHING.labelNames,
    labelsGone: labelsGone ?? NOTHING.labelsGone,
    stopped: stopped ?? NOTHING.stopped,
  };
}
