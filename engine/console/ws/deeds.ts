// What somebody who is logged in asks for over the WebSocket, beside the feed: the same acts as over HTTP, with the same rights.
import type { Act, Acting } from '../acting';
import { ACTS } from '../acts';
import { mayOperate, type Who } from '../login';
import { Refusal } from '../refusal';
import type { Request } from './request';

type Given = Request['given'];

const ACTED: Partial<
  Record<Request['do'], { readonly path: string; readonly body: (given: Given) => Given }>
> = {
  replay: { path: '/api/act', body: (given) => ({ ...given, action: 'replay' }) },
  retry: { path: '/api/act', body: (given) => ({ ...given, action: 'retryNow' }) },
  look: { path: '/api/look', body: ({ sourceId, ...more }) => ({ ...more, source: sourceId }) },
};

/** @returns what HTTP would answer @throws Refusal, LedgerFault */
export async function done({ do: deed, given }: Request, who: Who, acting: Acting): Promise<unknown> {
  const { path, body } = ACTED[deed] ?? {};
  const act: Act | undefined = path === undefined ? undefined : ACTS[path];
  if (!act || !body) throw new Refusal(400, `"${deed}" was done before.`);
  mayOperate(who);
  return act(acting, body(given), `console (${who.right})`);
}
