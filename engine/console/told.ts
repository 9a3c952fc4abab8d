// What the ledger knows, in the words of the console's addresses: times are ISO 8601.
// Invariant: nothing is left out of what it tells, and nothing of a mail's content is in it.
import type { ActionRecord, Deed, EventLife, Try } from '../ledger/life';
import type { Annotation } from '../ledger/annotations';
import type { EventRecord, SourceHealth } from '../ledger/inspection';
import type { SeriesPoint } from '../ledger/series';
import type { TriggerHealth } from '../ledger/trigger-health';
import type { AnnotationTold, LifeTold, MailTold, SeriesAnswer, SourceTold, TriggerTold } from './api';
import { isoTime } from '../runtime/iso-time';
import { standingOf } from './source-standing';

export function tellSource(source: SourceHealth, now: number): SourceTold {
  const { lastSuccessAt, failingSince: _, ...rest } = source;
  return {
    ...rest,
    ...standingOf(source, now),
    since: isoTime(source.since),
    lastMailAt: isoTime(source.lastMailAt),
    lastLookAt: isoTime(lastSuccessAt),
    nextTryAt: isoTime(source.nextTryAt),
    unreadSince: isoTime(source.unreadSince),
    lastErrorAt: isoTime(source.lastErrorAt),
    recoveredAt: isoTime(source.recoveredAt),
    notifiedUntil: isoTime(source.notifiedUntil),
  };
}

export const tellTrigger = (trigger: TriggerHealth): TriggerTold => ({
  ...trigger,
  oldestWaitingAt: isoTime(trigger.oldestWaitingAt),
  lastDoneAt: isoTime(trigger.lastDoneAt),
  lastFailedAt: isoTime(trigger.lastFailedAt),
});

export const tellMail = (mail: EventRecord): MailTold => ({
  ...mail,
  beganAt: isoTime(mail.beganAt),
  annotations: mail.annotations.map(tellAnnotation),
  recordedAt: isoTime(mail.recordedAt),
  dueAt: isoTime(mail.dueAt),
  settledAt: isoTime(mail.settledAt),
  receivedAt: isoTime(mail.receivedAt),
});

const tellAnnotation = (annotation: Annotation): AnnotationTold => ({
  ...annotation,
  at: isoTime(annotation.at),
});

export const tellLife = ({ tries, deeds, actions }: EventLife): LifeTold => ({
  tries: tries.map((one: Try) => ({ ...one, beganAt: isoTime(one.beganAt), endedAt: isoTime(one.endedAt) })),
  deeds: deeds.map((deed: Deed) => ({ ...deed, at: isoTime(deed.at) })),
  actions: actions.map((action: ActionRecord) => ({
    ...action,
    askedAt: isoTime(action.askedAt),
    endedAt: isoTime(action.endedAt),
  })),
});

/** @param before how many waited or ran when the first of them began */
export function tellPoints(points: readonly SeriesPoint[], before: number): SeriesAnswer['points'] {
  let waiting = before;
  return points.map(({ at, growth, ...point }) => {
    waiting = Math.max(0, waiting + growth);
    return { at: isoTime(at), ...point, waiting };
  });
}
