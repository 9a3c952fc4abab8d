// The node's parameters, read once into typed settings; a setting that can never work throws, with what to change.
import type { IExecuteFunctions, ITriggerFunctions } from 'n8n-workflow';
import {
  compileGmailReading,
  compileGmailTaking,
  type GmailReadingData,
} from '../../engine/gmail/read/reading-data';
import type { Asking } from '../../engine/gmail/read/selection';
import type { GmailItemSettings } from '../host/items/gmail';
import type { ListenSettings } from '../host/listen/listen';
import { isByPerson } from '../host/n8n/activation';
import { type ReadBy, readBy } from '../host/trigger/collecting';
import {
  collection,
  named,
  type Parameters,
  parametersOfRun,
  parametersOfTrigger,
  text,
} from '../host/trigger/parameters';
import {
  attachmentFilter,
  delivery,
  outage,
  refuseStartToCome,
  runsAndRetention,
  showsMail,
  skipsWhileOff,
  start,
  truncatedAbove,
} from '../host/trigger/settings';
import { AFTER_SUCCESS, mailAction, WHEN_DEAD } from './settings/mail-action';
import { mostRuns } from './settings/polling';
import { notifications } from './settings/notifications';
import { reading, wanted } from './settings/reading';
import { address, ADDRESSES } from './settings/watching';

export interface GmailListenSettings extends ListenSettings {
  readonly reading: GmailReadingData;
  readonly readBy: ReadBy;
}

/** How the mails of a run become items; the names of labels are not settings. */
export type ShownAs = Omit<GmailItemSettings, 'labelNames'>;

/** @throws NodeOperationError that names the setting, also for one that only a run will need */
export function listenSettings(context: ITriggerFunctions): GmailListenSettings {
  return named(context, () => {
    const parameters = parametersOfTrigger(context);
    const timeZone = context.getTimezone();
    const options = collection(parameters, 'options');
    const actions = {
      afterSuccess: mailAction(parameters, AFTER_SUCCESS),
      whenDead: mailAction(options, WHEN_DEAD),
    };
    const changed = [actions.afterSuccess, actions.whenDead].flatMap((action) =>
      action?.kind === 'changeLabels' ? [...action.add, ...action.remove] : [],
    );
    const skipBefore = skipsWhileOff(context, options) ? Date.now() : null;
    const data: GmailReadingData = {
      ...reading(parameters, { skipBefore, timeZone }),
      ...(changed.length > 0 && { actionLabels: changed }),
      notifications: notifications(parameters),
    };
    if (isByPerson(context)) refuseStartToCome(data.start, timeZone);
    compileGmailReading(data);
    shownAs(parameters);
    truncatedAbove(options);
    for (const name of ADDRESS_NAMES) address(options, name);
    return {
      delivery: { ...delivery(options), mostRuns: mostRuns(parameters) },
      subscription: { ...runsAndRetention(options), ...actions },
      reading: data,
      readBy: readBy(options),
      outage: outage(options),
      alarmsShowMail: showsMail(options, 'alarms'),
    };
  });
}

const ADDRESS_NAMES = Object.keys(ADDRESSES) as (keyof typeof ADDRESSES)[];

/** How the mails of a run become items. */
export function itemSettings(context: IExecuteFunctions): ShownAs {
  return named(context, () => shownAs(parametersOfRun(context)));
}

/** A mail above this size is handed out without its body. Octets. */
export function mostReadBytes(context: IExecuteFunctions): number {
  return named(context, () => truncatedAbove(collection(parametersOfRun(context), 'options')));
}

/** What a manual test looks for. */
export function previewSettings(context: IExecuteFunctions): Asking {
  return named(context, () => {
    const parameters = parametersOfRun(context);
    const timeZone = context.getTimezone();
    refuseStartToCome(start(parameters, timeZone), timeZone);
    return compileGmailTaking(wanted(parameters));
  });
}

function shownAs(parameters: Parameters): ShownAs {
  const options = collection(parameters, 'options');
  const full = text(parameters, 'format') === 'raw' ? 'raw' : 'resolved';
  const prefix = options.get('dataPropertyAttachmentsPrefixName');
  return {
    format: parameters.get('simple') === false ? full : 'simple',
    downloadAttachments: options.get('downloadAttachments') === true,
    // As the built-in trigger does with an empty one.
    attachmentPrefix: (typeof prefix === 'string' && prefix) || 'attachment_',
    attachments: attachmentFilter(options),
  };
}
