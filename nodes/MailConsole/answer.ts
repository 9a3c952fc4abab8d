// What comes to the node's addresses is answered by the console, over n8n's own response.
// Invariants: nothing leaves `answer`, whatever comes, since what n8n is thrown it answers with a stack trace, and makes an
// execution of; what a request was answered over is of no interest to n8n any more.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';
import { errorText } from '../../engine/runtime/log';
import { tell } from '../../engine/console/home/tell';
import { log } from '../host/n8n/log';
import { prefixOf } from './addresses';
import { consoleOfNode } from './consoles';

/** As much of what n8n reads of a request as is used. */
interface Read {
  readonly rawBody?: unknown;
}

export async function answer(context: IWebhookFunctions): Promise<IWebhookResponseData> {
  const res = context.getResponseObject() as unknown as ServerResponse;
  try {
    const req = context.getRequestObject() as unknown as IncomingMessage & Read;
    const prefix = prefixOf(req.url ?? '');
    if (prefix === null) {
      tell(res, 404, 'There is no such address.');
    } else {
      const console = await consoleOfNode(context, prefix);
      // n8n has read it all by now.
      await console.handle(req, res, Buffer.isBuffer(req.rawBody) ? req.rawBody : Buffer.alloc(0));
    }
  } catch (error) {
    log.error(`The Mail Console could not answer: ${errorText(error)}`);
    tell(res, 503, 'The Mail Console cannot answer now. The log of n8n says why.');
  }
  return { noWebhookResponse: true };
}
