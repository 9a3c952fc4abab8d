// How closely a line watches: what the settings of all who share it come to.
// Invariant: the most impatient of them decides; who has set nothing counts with the default.
import type { SoonerMs } from '../read/announcements';
import type { ImapReading } from '../read/reading';

export interface LineTimes {
  /** How long IDLE lasts before the mailbox is read unasked, where nobody has set it. */
  readonly heartbeatMs: number;
  /** How long it lasts where the server did not announce what came, unless everybody has set a heartbeat. */
  readonly soonerMs: SoonerMs;
  /** How often a server without IDLE is asked, and mailboxes that share the line. */
  readonly pollMs: number;
  /** The most that anybody may let a server take for a command before the connection counts as dead. */
  readonly commandMs: number;
  /** How often a process that stands by asks for the mailbox. */
  readonly standbyMs: number;
  /** However often a person asks, a line that failed is left alone for so long: asking again can lock an account. */
  readonly leastRetryMs: number;
}

export const LINE_TIMES: LineTimes = {
  heartbeatMs: 60_000,
  // A line waits for somewhat less (rounds.ts): 26 to 28 s, and 15 to 17.
  soonerMs: [30_000, 18_000],
  pollMs: 30_000,
  commandMs: 120_000,
  standbyMs: 5_000,
  leastRetryMs: 5_000,
};
export interface Pace {
  /** How long a single mailbox is waited for. */
  readonly heartbeatMs: number;
  /** How long it is waited for where the server announces late. */
  readonly soonerMs: SoonerMs;
  /** How long the round of several takes, and a look at a server without IDLE. */
  readonly pollMs: number;
  /** When IDLE that ended by itself is begun again: soon, however long a heartbeat was chosen. */
  readonly againMs: number;
}

export function paceOf(
  readings: readonly ImapReading[],
  times: LineTimes,
  mostIdleMs: number,
  canIdle: boolean,
): Pace {
  const asked = readings.map(({ heartbeatMs }) => heartbeatMs);
  const heartbeatMs = Math.min(mostIdleMs, ...asked.map((ms) => ms ?? times.heartbeatMs));
  const pollMs = Math.min(heartbeatMs, ...asked.map((ms) => ms ?? times.pollMs));
  // Who chose how often the server is asked is not to ask it more often.
  const isChosen = asked.length > 0 && !asked.includes(null);
  const soonerMs: SoonerMs = isChosen ? [heartbeatMs, heartbeatMs] : times.soonerMs;
  return { heartbeatMs, soonerMs, pollMs, againMs: canIdle ? Math.min(pollMs, times.pollMs) : pollMs };
}

/** How long the server may take for a command. */
export const commandMsOf = (readings: readonly ImapReading[], times: LineTimes): number =>
  Math.min(times.commandMs, ...readings.map(({ commandMs }) => commandMs));

/** After what time the connection is made anew, however well it works; Infinity: never. */
export const reconnectMsOf = (readings: readonly ImapReading[]): number =>
  Math.min(...readings.map(({ reconnectMs }) => reconnectMs ?? Infinity));
