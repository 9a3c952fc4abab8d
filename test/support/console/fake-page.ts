// How the page is given: with what its home tells it, under a policy that lets nothing else run, look or lead anywhere.
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { PageSettings } from '../../../engine/console/api';

const META = '<meta name="mail-console" content="">';

export function givePage(
  res: ServerResponse,
  document: string,
  plots: string,
  settings: PageSettings,
  address: string,
): void {
  const told = JSON.stringify(settings).replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  const page = document.replace(META, () => META.replace('""', () => `"${told}"`));
  const origin = settings.hasStorage ? ' allow-same-origin' : '';
  res.setHeader(
    'Content-Security-Policy',
    [
      "default-src 'none'",
      `script-src ${quoted(page, 'script')} '${digestOf(plots)}'`,
      `style-src ${quoted(page, 'style')}`,
      `connect-src ${address}`,
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      `sandbox allow-scripts allow-forms allow-popups allow-popups-to-escape-sandbox${origin}`,
    ].join('; '),
  );
  res.setHeader('Content-Type', 'text/html; charset=utf-8');
  res.end(page);
}

function quoted(page: string, element: 'script' | 'style'): string {
  const text = new RegExp(`<${element}>([^]*?)</${element}>`).exec(page)?.[1] ?? '';
  return `'${digestOf(text)}'`;
}

export const digestOf = (text: string): string =>
  `sha256-${createHash('sha256').update(text).digest('base64')}`;
