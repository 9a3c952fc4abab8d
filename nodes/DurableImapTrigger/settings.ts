// The node's parameters, read once into typed settings; a setting that can never work throws, with what to change.
import type { IExecuteFunctions, ITriggerFunctions } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';
import { DEFAULT_RETRY_SCHEDULE, parseRetrySchedule } from '../../engine/delivery/retry-schedule';
import type { Guarantee } from '../../engine/ledger/ledger';
import { type ItemSettings, parseAttachmentTypes } from '../host/items';
import type { ListenSettings } from '../host/listen';
import type { PreviewSettings } from '../host/preview';
import { AFTER_SUCCESS, mailAction, WHEN_DEAD } from './settings/mail-action';
import { watchedMailboxes } from './settings/mailboxes';
import { DAY_MS, MEGABYTE, MINUTE_MS } from './settings/numbers';
import {
  collection,
  numberOption,
  type Parameters,
  parametersOfRun,
  parametersOfTrigger,
  parsed,
  text,
} from './settings/parameters';
import { reading, wanted } from './settings/reading';

/** How n8n starts a trigger when a person publishes the workflow; a restart, or an edit, is something else. */
const SWITCHED_ON: ReadonlySet<string> = new Set(['activate', 'create']);

/** @throws NodeOperationError that names the setting, also for one that only a run will need */
export function listenSettings(context: ITriggerFunctions): Omit<ListenSettings, 'login'> {
  return named(context, () => {
    const parameters = parametersOfTrigger(context);
    const options = collection(parameters, 'options');
    const mailboxes = watchedMailboxes(parameters);
    const reportAfter = numberOption(options, 'reportAfter');
    itemsOf(parameters);
    return {
      mailboxes,
      delivery: {
        mostRuns: numberOption(options, 'mostInFlight'),
        mailsPerRun: numberOption(options, 'mailsPerRun'),
        mostQueuedMs: numberOption(options, 'startWithin') * MINUTE_MS,
      },
      subscription: {
        retryDelaysMs: retryDelays(options),
        guarantee: guarantee(options),
        keepContentMs: Math.round(numberOption(options, 'keepContentDays') * DAY_MS),
        retentionMs: Math.round(numberOption(options, 'keepEventsDays') * DAY_MS),
        afterSuccess: mailAction(parameters, AFTER_SUCCESS, mailboxes),
        whenDead: mailAction(options, WHEN_DEAD, mailboxes),
      },
      reading: reading(parameters, {
        isSwitchedOn: SWITCHED_ON.has(context.getActivationMode()),
        timeZone: context.getTimezone(),
      }),
      outage: {
        afterMs: reportAfter === 0 ? null : Math.round(reportAfter * MINUTE_MS),
        whenOver: options.get('reportOver') === true,
      },
    };
  });
}

/** How the mails of a run become items. */
export function itemSettings(context: IExecuteFunctions): ItemSettings {
  return named(context, () => itemsOf(parametersOfRun(context)));
}

/** A mail above this size is handed out without its body. Octets. */
export function mostReadBytes(context: IExecuteFunctions): number {
  return named(context, () =>
    Math.round(numberOption(collection(parametersOfRun(context), 'options'), 'truncateAbove') * MEGABYTE),
  );
}

/** What a manual test shows. */
export function previewSettings(context: IExecuteFunctions): PreviewSettings {
  return named(context, () => {
    const parameters = parametersOfRun(context);
    return {
      mailboxes: watchedMailboxes(parameters),
      ...wanted(parameters),
      mostReadBytes: mostReadBytes(context),
      items: itemsOf(parameters),
    };
  });
}

function itemsOf(parameters: Parameters): ItemSettings {
  const options = collection(parameters, 'options');
  const format = (text(parameters, 'format') || 'simple') as ItemSettings['format'];
  const downloadAttachments = format === 'resolved' || parameters.get('downloadAttachments') !== false;
  const prefix = parameters.get('dataPropertyAttachmentsPrefixName');
  numberOption(options, 'truncateAbove');
  return {
    format,
    downloadAttachments,
    attachmentPrefix: typeof prefix === 'string' ? prefix : 'attachment_',
    attachments: attachmentFilter(options),
  };
}

function attachmentFilter(options: Parameters): ItemSettings['attachments'] {
  const inline = options.get('inlineAttachments') !== false;
  const mostBytes = Math.round(numberOption(options, 'attachmentMostSize') * MEGABYTE) || null;
  const entered = text(options, 'attachmentTypes');
  const types = entered ? parsed(options, '"Attachment Types"', () => parseAttachmentTypes(entered)) : [];
  return inline && mostBytes === null && types.length === 0 ? null : { inline, mostBytes, types };
}

const guarantee = (options: Parameters): Guarantee =>
  options.get('guarantee') === 'atMostOnce' ? 'atMostOnce' : 'atLeastOnce';

function retryDelays(options: Parameters): number[] {
  const entered = options.get('retrySchedule');
  const schedule = typeof entered === 'string' ? entered : DEFAULT_RETRY_SCHEDULE;
  return parsed(options, '"Retry After"', () => parseRetrySchedule(schedule));
}

/** A faulty setting is an error of the node: n8n shows it there. */
function named<T>(context: Pick<ITriggerFunctions, 'getNode'>, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new NodeOperationError(context.getNode(), error as Error);
  }
}
