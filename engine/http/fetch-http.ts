// Requests with what Node has, for processes that have no way of their own to send them.
// Invariants: a redirect is an answer like any other: a token goes to no other place; no error carries what was sent.
import { noAnswer } from './no-answer';
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
    throw noAnswer(url, error, deadline, timeoutMs);
  }
};
