// The ledger's port: what the product may ask of its truth, in the domain's words. One adapter for each
// database; test/ledger/contract holds them to this text.
//
// Invariants (docs/architecture.md has all of them):
// - messages, their content, events and the cursor past them commit in one transaction (`record`);
// - one event for one mail and one subscription, by identity and by soft identity, also after retention;
// - only the holder of a source's lease, by its fence, records for it;
// - only `offer` makes QUEUED, only `claim` makes RUNNING, only the holder of (event, attempt) leaves RUNNING;
// - what takes in, begins, hands out or lets go is only for the n8n that owns the ledger (ownership.ts): `record`, `offer`,
//   `claim`, `takeByHand`, `takeEnded`, `takeUnserved`, `holdSource`, `takeKeys`, `takeEntries`, `tellEndpoint` and `sweep` are
//   refused to another;
// - all times are the database's; every call that takes several things is a few statements, never one for each.
// Every method rejects with a LedgerFault (fault.ts) when the database cannot do its part.
import type { Annotations } from './annotations';
import type { Changes } from './changes';
import type { Endpoints } from './endpoints';
import type { Errands } from './errands';
import type { Counts, Inspection } from './inspection';
import type { Lives } from './life';
import type { Members } from './members';
import type { Offers } from './offers';
import type { OnceKeys } from './once-keys';
import type { Outbox } from './outbox';
import type { LedgerOwnership } from './ownership';
import type { Readings } from './readings';
import type { Recording } from './recording';
import type { RunEnds } from './run-ends';
import type { Runs } from './runs';
import type { Series } from './series';
import type { Serving } from './serving';
import type { SourceHolds } from './source-holds';
import type { SourceNotes } from './source-notes';
import type { Sources } from './sources';
import type { Subscriptions } from './subscriptions';
import type { Sweeping } from './sweeping';
import type { Templates } from './templates';
import type { TriggersHealth } from './trigger-health';

/** What the ledger is asked, part by part. */
export interface LedgerParts
  extends
    Subscriptions,
    Readings,
    Serving,
    Sources,
    SourceHolds,
    Members,
    SourceNotes,
    Recording,
    Offers,
    Runs,
    RunEnds,
    Errands,
    Changes,
    OnceKeys,
    Outbox,
    Templates,
    Endpoints,
    Inspection,
    Counts,
    Annotations,
    Lives,
    Series,
    TriggersHealth,
    Sweeping {}

export interface Ledger extends LedgerParts, LedgerOwnership {
  /** Where it is, for people, without secrets: its file, or its database and schema. */
  readonly place: string;

  close(): Promise<void>;
}
