// The database's clock can be set back, and what was stored before then lies far ahead of it.
// Invariant: a time that lies further ahead than its longest wait, and this much, was stored under another clock: it
// counts as past.

/** Above what two readings of one clock can differ by, and every lease of ours is renewed within it, ms. */
export const AHEAD_MARGIN_MS = 60_000;
