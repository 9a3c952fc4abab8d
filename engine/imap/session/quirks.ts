// What some providers do differently, by the end of their host's name. Kept small: the heartbeat and its deadline
// deal with all that is not in it.
// Sources: EmailEngine's and Thunderbird's notes on providers; RFC 2177 asks for 29 minutes at most.

interface Quirk {
  readonly hosts: readonly string[];
  /** IDLE is broken off by the server when it lasts longer, often without a word. */
  readonly mostIdleMs?: number;
  /** IDLE is announced and does not work, or is missing. */
  readonly noIdle?: boolean;
}

const MOST_IDLE_MS = 25 * 60_000;

const QUIRKS: readonly Quirk[] = [
  {
    hosts: ['imap.mail.yahoo.com', 'yahoo.com', 'yahoo.co.jp', 'imap.aol.com', 'aol.com'],
    mostIdleMs: 150_000,
  },
  { hosts: ['rambler.ru', 'lenta.ru', 'autorambler.ru', 'ro.ru'], mostIdleMs: 45_000 },
  { hosts: ['163.com', '126.com', 'yeah.net'], noIdle: true },
  { hosts: ['naver.com'], mostIdleMs: 240_000 },
  { hosts: ['outlook.office365.com', 'office365.com', 'outlook.com', 'hotmail.com'], mostIdleMs: 240_000 },
];

export interface HostWays {
  readonly mostIdleMs: number;
  readonly noIdle: boolean;
}

export function waysOf(host: string): HostWays {
  const name = host.toLowerCase().replace(/\.$/, '');
  const quirk = QUIRKS.find(({ hosts }) => hosts.some((end) => name === end || name.endsWith(`.${end}`)));
  return { mostIdleMs: quirk?.mostIdleMs ?? MOST_IDLE_MS, noIdle: quirk?.noIdle ?? false };
}
