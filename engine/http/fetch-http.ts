// Requests with what Node has, for processes that have no way of their own to send them.
// Invariants: a redirect is an answer like any other: a token goes to no other place; no error carries what was sent.
import type { SendHttp } from './send';

export const fetchHttp: SendHttp = async ({ method, url, headers, body, timeoutMs, signal }) => {
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await fetch(url, {
      ...{ method, headers, redirect: 'manual' },
      ...(body !== undefined && { body }),
      signal: AbortSignal.any([signal, deadline]),
    });
    return {
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      body: await answer.text(),
    };
  } catch (error) {
    const why = deadline.aborted ? `none within ${Math.round(timeoutMs / 1_000)} s` : codeOf(error);
    throw new Error(`There was no whole answer from ${new URL(url).host} (${why}).`);
  }
};

/** What broke, in one word of Node's, such as ECONNRESET; never its text. */
function codeOf(error: unknown): string {
  const { name, cause } = (error ?? {}) as { readonly name?: unknown; readonly cause?: unknown };
  const { code } = (cause ?? {}) as { readonly code?: unknown };
  return [code, name].find((word) => typeof word === 'string' && /^\w{1,60}$/.test(word)) as string;
}
