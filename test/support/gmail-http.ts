// Requests of tests, sent with what Node has; in n8n they go out n8n's own way.
import type { SendHttp } from '../../engine/http/send';

export const fetchHttp: SendHttp = async ({ method, url, headers, body, timeoutMs, signal }) => {
  const answer = await fetch(url, {
    method,
    headers,
    ...(body !== undefined && { body }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  });
  return {
    status: answer.status,
    headers: Object.fromEntries(answer.headers),
    body: await answer.text(),
  };
};
