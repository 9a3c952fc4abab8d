// Requests by n8n's own HTTP helper, so that its proxies (HTTPS_PROXY), its certificates and its protection against
// requests to forbidden addresses apply.
// Invariant: no error carries what was sent: n8n's own ones hold the whole request, with its token.
import type { ITriggerFunctions } from 'n8n-workflow';
import { noAnswer } from '../../../engine/http/no-answer';
import type { HttpAnswer, SendHttp } from '../../../engine/http/send';

/** Every context of n8n has it: a trigger's, a run's, a webhook's, and that of a list in the editor. */
export interface HttpContext {
  readonly helpers: Pick<ITriggerFunctions['helpers'], 'httpRequest'>;
}

interface Answered {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/** `timeoutMs` is for the whole answer. A redirect is an answer like any other: a token goes to no other place. */
export const sendHttp =
  ({ helpers }: HttpContext): SendHttp =>
  async ({ method, url, headers, body, timeoutMs, signal }) => {
    const deadline = AbortSignal.timeout(timeoutMs);
    try {
      const answer = (await helpers.httpRequest({
        method,
        url,
        headers: { ...headers },
        ...(body !== undefined && { body }),
        // Neither parsed nor decoded any further.
        encoding: 'text',
        json: false,
        returnFullResponse: true,
        ignoreHttpStatusErrors: true,
        disableFollowRedirect: true,
        timeout: timeoutMs,
        abortSignal: AbortSignal.any([signal, deadline]),
      })) as Answered;
      return toAnswer(answer);
    } catch (error) {
      throw noAnswer(url, error, deadline, timeoutMs);
    }
  };

const toAnswer = ({ statusCode, headers, body }: Answered): HttpAnswer => ({
  status: statusCode,
  headers: Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  ),
  body: typeof body === 'string' ? body : body === undefined || body === null ? '' : JSON.stringify(body),
});
