// How Gmail is asked: how often, and where. The editor and the checks read the same table.
// Invariant: no token goes over a line that others may listen to.
import { GOOGLE, isPrivateWay } from '../../../engine/gmail/api/google';
import type { NumberSetting } from '../../host/trigger/numbers';
import { type Parameters, text } from '../../host/trigger/parameters';

export const POLL_EVERY = {
  shown: 'Poll Every',
  default: 60,
  least: 5,
  most: 3_600,
} as const satisfies NumberSetting;

/** Where the APIs are, where nobody says otherwise; by the name of the option. */
export const ADDRESSES = {
  apiBaseUrl: { shown: 'API Address', default: GOOGLE.gmail },
  certificatesUrl: {
    shown: 'Certificates Address',
    default: 'https://www.googleapis.com/oauth2/v3/certs',
  },
  pubsubBaseUrl: { shown: 'Pub/Sub Address', default: GOOGLE.pubsub },
  tokenUrl: { shown: 'Token Address', default: GOOGLE.token },
} as const;

/** Without a slash at its end. @throws Error that names the setting */
export function address(options: Parameters, name: keyof typeof ADDRESSES): string {
  const { shown, default: usual } = ADDRESSES[name];
  const entered = text(options, name);
  if (entered === '') return usual;
  const url = URL.canParse(entered) ? new URL(entered) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username) {
    throw new Error(`"${shown}" is not an address. Enter one such as ${usual}, or leave it empty.`);
  }
  if (!isPrivateWay(url)) {
    throw new Error(`"${shown}" must begin with https://: what goes there is not for others to read.`);
  }
  return url.href.replace(/\/+$/, '');
}
