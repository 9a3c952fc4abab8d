// The database's clock can be set back, and what was stored before then lies far ahead of it.
// Invariant: a time that lies further ahead than its longest wait, and this much, was stored under another clock: it
// counts as past.

/** Above what two readings of one clock can differ by, and every lease of ours is renewed within it, ms. */
export const AHEAD_MARGIN_MS = 60_000;

/** What lies in the order in which it was stored may have older times than what is before it, by so much, ms: the clock was set back. */
export const SET_BACK_MS = 3_600_000;
