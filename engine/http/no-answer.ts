// How it is told that there was no whole answer.
// Invariant: nothing of what was sent stands in it: the error of whoever sent it may hold the whole request, with its token.

/** @param deadline when it has aborted, that is what went wrong */
export function noAnswer(url: string, error: unknown, deadline: AbortSignal, timeoutMs: number): Error {
  const why = deadline.aborted ? `none within ${Math.round(timeoutMs / 1_000)} s` : codeOf(error);
  return new Error(`There was no whole answer from ${new URL(url).host} (${why}).`);
}

/** What broke, in one word of Node's or n8n's, such as ECONNRESET; never its text. */
function codeOf(error: unknown): string {
  const { code, name, cause } = (error ?? {}) as { code?: unknown; name?: unknown; cause?: unknown };
  const found = [code, (cause as { code?: unknown } | undefined)?.code, name].find(
    (word) => typeof word === 'string' && /^\w{1,60}$/.test(word),
  );
  return typeof found === 'string' ? found : 'unknown';
}
