// Which of a file's two threads does what the port asks: the writer, in the order in which it is asked; or the reader,
// which looks up for people, so that a long listing holds up no mail.
// Invariant: whatever writes, and whatever a mail's way needs to know, is the writer's.
import type { Ledger } from '../../ledger';

export type Call = Exclude<keyof Ledger, 'place' | 'close'>;

export type Role = 'writer' | 'reader';

/** Every method of the port, so that none is forgotten. */
export const CALLS: Readonly<Record<Call, Role>> = {
  ledgerId: 'writer',
  own: 'writer',
  leave: 'writer',
  takeOver: 'writer',
  subscribe: 'writer',
  subscriptionsOf: 'writer',
  heritage: 'writer',
  serve: 'writer',
  unserve: 'writer',
  takeUnserved: 'writer',
  cursors: 'writer',
  reportSource: 'writer',
  unrecorded: 'writer',
  waiting: 'writer',
  record: 'writer',
  offer: 'writer',
  claim: 'writer',
  whereabouts: 'writer',
  release: 'writer',
  hurryReleased: 'writer',
  takeByHand: 'writer',
  contents: 'writer',
  renew: 'writer',
  settle: 'writer',
  takeEnded: 'writer',
  sweep: 'writer',
  sourceNote: 'writer',
  writeSourceNote: 'writer',
  holdSource: 'writer',
  renewHolds: 'writer',
  releaseHolds: 'writer',
  takeActions: 'writer',
  finishActions: 'writer',
  postponeActions: 'writer',
  takeKeys: 'writer',
  heldKeys: 'writer',
  leftKeys: 'writer',
  renewKeys: 'writer',
  finishKeys: 'writer',
  endKeys: 'writer',
  returnKeys: 'writer',
  replay: 'writer',
  retryNow: 'writer',
  markDone: 'writer',
  forget: 'writer',
  // One look at an index: it sees what was asked for before it.
  event: 'writer',
  events: 'reader',
  statistics: 'reader',
  unserved: 'reader',
  sources: 'reader',
};
