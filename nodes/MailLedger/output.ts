// From what the ledger tells to the JSON that a workflow works on: times are ISO 8601, sizes are octets.
import type { IDataObject } from 'n8n-workflow';
import type { Annotation } from '../../engine/ledger/annotations';
import type { EventRecord, SourceHealth } from '../../engine/ledger/inspection';
import type { EventState } from '../../engine/ledger/states';
import { isoTime } from '../../engine/runtime/iso-time';

/** In the order of the editor's columns: what people look for comes first. */
export function eventJson({ id, state, subject, sender, ...event }: EventRecord): IDataObject {
  return {
    // As in the `delivery` of a trigger's item.
    eventId: id,
    state,
    subject,
    sender,
    ...event,
    recordedAt: isoTime(event.recordedAt),
    beganAt: isoTime(event.beganAt),
    dueAt: isoTime(event.dueAt),
    settledAt: isoTime(event.settledAt),
    receivedAt: isoTime(event.receivedAt),
    annotations: event.annotations.map(annotationJson),
  };
}

const annotationJson = ({ data, at, ...annotation }: Annotation): IDataObject => ({
  ...annotation,
  data: data as IDataObject[string],
  at: isoTime(at),
});

export function sourceJson({ id, ...source }: SourceHealth): IDataObject {
  return {
    sourceId: id,
    ...source,
    backfill: source.backfill && { ...source.backfill },
    workflowIds: [...source.workflowIds],
    since: isoTime(source.since),
    failingSince: isoTime(source.failingSince),
    nextTryAt: isoTime(source.nextTryAt),
    unreadSince: isoTime(source.unreadSince),
    lastMailAt: isoTime(source.lastMailAt),
    recoveredAt: isoTime(source.recoveredAt),
    notifiedUntil: isoTime(source.notifiedUntil),
    lastSuccessAt: isoTime(source.lastSuccessAt),
    lastErrorAt: isoTime(source.lastErrorAt),
  };
}

/** The counts under the names that dashboards of queues have, and as they are. */
export function statisticsJson(states: Readonly<Record<EventState, number>>, unserved: number): IDataObject {
  return {
    waiting: states.PENDING,
    active: states.QUEUED + states.RUNNING,
    delayed: states.RETRY,
    completed: states.DONE,
    failed: states.DEAD + states.UNKNOWN,
    gone: states.GONE,
    total: Object.values(states).reduce((sum, count) => sum + count, 0),
    // Of those that wait or are delayed.
    unserved,
    states: { ...states },
  };
}
