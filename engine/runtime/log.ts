// The engine's log port. Whoever embeds the engine gives one; n8n's logger fits.
// Invariant: no secret and nothing of a mail's content is ever passed to it.

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** The text of whatever was thrown, for a log line or a stored error. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
