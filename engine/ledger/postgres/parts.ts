// The parts of the ledger's port, as the Postgres adapter does them. A new part is a line here.
import type { LedgerParts } from '../ledger';
import { acts } from './act';
import { annotations } from './annotate';
import { told } from './changes';
import { runs } from './deliver';
import { endpoints } from './endpoints';
import { errands } from './errands';
import { sourceHolds } from './hold';
import { looks } from './inspect';
import { lives } from './lives';
import { members } from './members';
import { offers } from './offer';
import { onceKeys } from './once';
import { outboxDue } from './outbox-due';
import { outboxEnqueue } from './outbox-enqueue';
import { outboxLog } from './outbox-log';
import { outboxSettle } from './outbox-settle';
import { outboxTake } from './outbox-take';
import type { Part } from './part';
import { read } from './readings';
import { recording } from './record';
import { runEnds } from './run-ends';
import { summedUp } from './series';
import { served } from './serving';
import { sourceNotes } from './source-notes';
import { sources } from './source-report';
import { subscriptions } from './subscribe';
import { sweeping } from './sweep';
import { templates } from './templates';
import { triggersHealth } from './trigger-health';

export const PARTS: Part<LedgerParts> = {
  ...subscriptions,
  ...read,
  ...served,
  ...sources,
  ...sourceHolds,
  ...members,
  ...sourceNotes,
  ...recording,
  ...offers,
  ...runs,
  ...runEnds,
  ...errands,
  ...told,
  ...onceKeys,
  ...outboxEnqueue,
  ...outboxDue,
  ...outboxTake,
  ...outboxSettle,
  ...outboxLog,
  ...templates,
  ...endpoints,
  ...looks,
  ...acts,
  ...annotations,
  ...lives,
  ...summedUp,
  ...triggersHealth,
  ...sweeping,
};
