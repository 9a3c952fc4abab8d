// The states of an entry of the outbox, for people: docs/outbox.md has them all.
import type { INodePropertyOptions } from 'n8n-workflow';
import { ENTRY_STATES, type EntryState } from '../../../engine/ledger/outbox';

const MEANINGS: Readonly<Record<EntryState, string>> = {
  BOUNCED: 'It was taken, and came back',
  CANCELLED: 'A person did not want it any more',
  FAILED: 'Its tries are used up, or the receiver has refused it for good',
  QUEUED: 'It waits, perhaps for its next try',
  SENDING: 'It is being sent',
  SENT: 'The receiver has taken it',
  UNKNOWN: 'Nobody knows whether the receiver has it; it is not sent again by itself',
};

export const entryStateOptions: INodePropertyOptions[] = ENTRY_STATES.map((state) => ({
  name: state.charAt(0) + state.slice(1).toLowerCase(),
  value: state,
  description: MEANINGS[state],
})).sort((one, other) => (one.name < other.name ? -1 : 1));
