// What can be wrong with the connections of a proxy (fault-proxy.ts).
// Invariant: a fault that did something is counted, so that a test of it cannot pass without it.

/** Faults that last until `heal`. Those of one connection are for every connection, also for new ones. */
export interface Faults {
  /** IDLE's `+` is withheld. */
  readonly idleUnconfirmed: boolean;
  /** Nobody hears of a new mail while idling. */
  readonly existsDropped: boolean;
  readonly existsDoubled: boolean;
  /** The server has no IDLE. */
  readonly noIdle: boolean;
  /** Every login is answered with this: `[LIMIT] Too many connections`. */
  readonly loginRefusedWith: string | undefined;
  /** A login is accepted, and the connection closed at once. */
  readonly dropAfterLogin: boolean;
  /** The server's octets come no faster than this, each second. */
  readonly bytesPerSecond: number;
  /** A connection of this age, in ms, is answered no more. It stays so. */
  readonly silentAfterMs: number;
  /** Nothing passes, either way; new connections are accepted and hear nothing. They stay so. */
  readonly blackout: boolean;
  /** The next so many mails are cut in the middle, with the connection. */
  readonly cutMails: number;
}

export const NO_FAULTS: Faults = {
  idleUnconfirmed: false,
  existsDropped: false,
  existsDoubled: false,
  noIdle: false,
  loginRefusedWith: undefined,
  dropAfterLogin: false,
  bytesPerSecond: Infinity,
  silentAfterMs: Infinity,
  blackout: false,
  cutMails: 0,
};

/** Shared by the connections of one proxy. */
export interface FaultState {
  /** What is wrong now. */
  faults: Faults;
  /** Logins that were tried. */
  logins: number;
  /** How often a fault did something to a connection. */
  struck: number;
}
