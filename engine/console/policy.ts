// The headers of every answer, so that a browser does nothing with it but what the console means.
// Invariants: what is no page is inert; the page runs its own two scripts only, asks its own origin only, and has that
// origin only where nothing else is served from it.
import { createHash } from 'node:crypto';

const NOTHING = ["default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"];

/** Of everything but the page. */
export const INERT = [...NOTHING, 'sandbox'].join('; ');

export const ALWAYS: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store, no-transform',
};

/**
 * Links lead to n8n's editor in a tab of its own, which is under no sandbox: hence the popups. Without an origin nothing that
 * runs in the page reaches n8n with its user's cookie.
 */
const SANDBOX = 'allow-scripts allow-forms allow-popups allow-popups-to-escape-sandbox';

/** Of the page: what is inline in it, and the script that it adds by itself (`plots`), is known by its digest. */
export function pagePolicy(document: string, plots: string, isOwnOrigin: boolean): string {
  return [
    ...NOTHING,
    `script-src ${[...digestsOf(document, 'script'), `'${digestOf(plots)}'`].join(' ')}`,
    `style-src ${digestsOf(document, 'style').join(' ') || "'none'"}`,
    'img-src data:',
    "connect-src 'self'",
    `sandbox ${SANDBOX}${isOwnOrigin ? ' allow-same-origin' : ''}`,
  ].join('; ');
}

/** Both are looked for at once: what looks like one within the other is none. */
function digestsOf(document: string, element: 'script' | 'style'): string[] {
  return [...document.matchAll(/<(script|style)\b[^>]*>([\s\S]*?)<\/\1>/gi)]
    .filter(([, name]) => name!.toLowerCase() === element)
    .map(([, , content]) => `'${digestOf(content!)}'`);
}

/** As a policy has it, without its quotes. */
export const digestOf = (text: string): string =>
  `sha256-${createHash('sha256').update(text).digest('base64')}`;
