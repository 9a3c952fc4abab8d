// The addresses of the console behind n8n's webhooks: `/webhook/mail-console`, and those below it that are fixed.
// Invariant: none of them has an expression or a part that varies: n8n would work it out for each hit on any of them, or
// put an id before it.
import type { IWebhookDescription } from 'n8n-workflow';

const ROOT = 'mail-console';

const READ = [
  'events',
  'healthz',
  'metrics',
  'api/me',
  'api/sources',
  'api/triggers',
  'api/statistics',
].concat(
  ['api/mails', 'api/count', 'api/series', 'api/plots', 'api/jobs'],
  ['api/outbox', 'api/outbox/count', 'api/outbox/found', 'api/templates', 'api/template', 'api/endpoints'],
);
const ASKED = ['api/view', 'api/batch', 'api/act', 'api/jobs/stop', 'api/look'].concat(
  ['api/outbox/act', 'api/templates/save', 'api/templates/remove', 'api/templates/preview'],
  ['api/endpoints/takeBack', 'api/endpoints/remove'],
);

const below =
  (httpMethod: 'GET' | 'POST') =>
  (path: string): IWebhookDescription => ({
    name: 'setup',
    httpMethod,
    path: `${ROOT}/${path}`,
    isFullPath: true,
    responseMode: 'onReceived',
    ndvHideUrl: true,
  });

export const addresses: IWebhookDescription[] = [
  // The only one that the editor shows.
  {
    name: 'default',
    httpMethod: 'GET',
    path: ROOT,
    isFullPath: true,
    responseMode: 'onReceived',
    ndvHideMethod: true,
  },
  ...READ.map(below('GET')),
  ...ASKED.map(below('POST')),
];

/** Of an address as it was asked for: what stands before what is below the console. @returns null: it is none of these */
export function prefixOf(url: string): string | null {
  const [path = ''] = url.split('?');
  const [prefix] = new RegExp(`^.*?/${ROOT}(?=/|$)`).exec(path) ?? [];
  return prefix ?? null;
}
