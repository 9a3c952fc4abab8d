// Where a request is for, below the prefix that the console's home has before all of its paths.
import type { IncomingMessage } from 'node:http';

/** @returns the path below the prefix; empty: it is none of ours */
export function targetOf(
  { url = '' }: Pick<IncomingMessage, 'url'>,
  prefix: string,
): { readonly path: string; readonly query: URLSearchParams } {
  const [target = '', query = ''] = url.replace(/^https?:\/\/[^/?]*/i, '').split(/\?(.*)/s);
  const isOurs = target.startsWith(prefix) && /^(\/|$)/.test(target.slice(prefix.length));
  const path = isOurs ? target.slice(prefix.length) || '/' : '';
  return { path, query: new URLSearchParams(query) };
}
