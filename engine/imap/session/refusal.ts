// What a server says when it refuses to change a mailbox. imapflow answers such a command with nothing but `false`,
// and tells the server's words only to its log: so its log is listened to.
// Invariant: no part of a mail stands in it, only the server's answer.
import type { QuietLogger } from './client-options';
import { saidShortly } from './fault-texts';

/** The server refused a change. */
export class Refusal extends Error {
  /** The response code (RFC 5530), such as TRYCREATE; null: none. */
  readonly code: string | null;

  constructor(said: string, code: string | null) {
    super(said);
    this.name = 'Refusal';
    this.code = code;
  }
}

/** What imapflow puts on the error of a refused command, as far as it is read here. */
interface RefusedCommand {
  readonly serverResponseCode?: string;
  readonly responseText?: string;
}

/** Keeps the last error that imapflow logged. */
export class Refusals {
  #last: RefusedCommand | undefined;

  /** The logger, but listened to. */
  heardBy(logger: QuietLogger): QuietLogger {
    return {
      ...logger,
      warn: (entry) => {
        if ('err' in entry) this.#last = entry.err as RefusedCommand;
        logger.warn(entry);
      },
    };
  }

  forget(): void {
    this.#last = undefined;
  }

  /** What was said since `forget`. */
  refusal(): Refusal {
    const { responseText, serverResponseCode } = this.#last ?? {};
    return new Refusal(saidShortly(responseText ?? '') || 'no reason given', serverResponseCode ?? null);
  }
}
