// The node's parameters, read once into typed settings; a setting that can never work throws, with what to change.
import type { IExecuteFunctions, ITriggerFunctions } from 'n8n-workflow';
import { errandOf } from '../../engine/imap/act/action';
import { compileImapReading, compileImapTaking } from '../../engine/imap/read/reading-data';
import type { ItemSettings } from '../host/items/mail';
import type { ListenSettings } from '../host/listen/listen';
import { isByPerson } from '../host/n8n/activation';
import { readBy } from '../host/trigger/collecting';
import {
  collection,
  isLikeBuiltIn,
  named,
  optionOrBefore,
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
  truncatedAbove,
} from '../host/trigger/settings';
import type { ImapCollecting } from './collector';
import type { PreviewSettings } from './preview';
import { AFTER_SUCCESS, mailAction, WHEN_DEAD } from './settings/mail-action';
import { watchedMailboxes } from './settings/mailboxes';
import { beginning, reading, wanted } from './settings/reading';

/** @throws NodeOperationError that names the setting, also for one that only a run will need */
export function listenSettings(context: ITriggerFunctions): ListenSettings & Omit<ImapCollecting, 'login'> {
  return named(context, () => {
    const parameters = parametersOfTrigger(context);
    const timeZone = context.getTimezone();
    const options = collection(parameters, 'options');
    const mailboxes = watchedMailboxes(parameters);
    const skipBefore = skipsWhileOff(context, options) ? Date.now() : null;
    const data = reading(parameters, { mailboxes, skipBefore, timeZone });
    if (isByPerson(context)) refuseStartToCome(data.start, timeZone);
    compileImapReading(data);
    itemsOf(parameters);
    return {
      delivery: delivery(options),
      subscription: {
        ...runsAndRetention(options),
        afterSuccess: errandOf(mailAction(parameters, AFTER_SUCCESS, mailboxes)),
        whenDead: errandOf(mailAction(options, WHEN_DEAD, mailboxes)),
      },
      reading: data,
      readBy: readBy(options),
      outage: outage(options),
      alarmsShowMail: showsMail(options, 'alarms'),
    };
  });
}

/** How the mails of a run become items. */
export function itemSettings(context: IExecuteFunctions): ItemSettings {
  return named(context, () => itemsOf(parametersOfRun(context)));
}

/** A mail above this size is handed out without its body. Octets. */
export function mostReadBytes(context: IExecuteFunctions): number {
  return named(context, () => truncatedAbove(collection(parametersOfRun(context), 'options')));
}

/** What a manual test shows. */
export function previewSettings(context: IExecuteFunctions): PreviewSettings {
  return named(context, () => {
    const parameters = parametersOfRun(context);
    const timeZone = context.getTimezone();
    refuseStartToCome(beginning(parameters, timeZone), timeZone);
    return {
      mailboxes: watchedMailboxes(parameters),
      ...compileImapTaking(wanted(parameters)),
      mostReadBytes: mostReadBytes(context),
      items: itemsOf(parameters),
    };
  });
}

function itemsOf(parameters: Parameters): ItemSettings {
  const options = collection(parameters, 'options');
  const format = (text(parameters, 'format') || 'simple') as ItemSettings['format'];
  const downloadAttachments = format === 'resolved' || parameters.get('downloadAttachments') === true;
  const prefix = optionOrBefore(parameters).get('dataPropertyAttachmentsPrefixName');
  truncatedAbove(options);
  return {
    format,
    downloadAttachments,
    attachmentPrefix: typeof prefix === 'string' ? prefix : 'attachment_',
    // The built-in trigger takes for an attachment what its sender calls one, in this format only.
    attachments: attachmentFilter(options, format === 'simple' && isLikeBuiltIn(parameters)),
  };
}
