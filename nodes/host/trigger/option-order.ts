// In which order the editor lists a trigger's options: by what they are about, what is wanted most first.

export const OPTION_ORDER: readonly string[] = [
  // Which mails.
  'likeBuiltIn',
  'moreMailboxes',
  'start',
  'startCount',
  'startDate',
  'whileOff',
  'customEmailConfig',
  'trackLastMessageId',
  // Their runs.
  'retrySchedule',
  'mostInFlight',
  'mailsPerRun',
  'mailsPerRunAutomatic',
  'guarantee',
  'startWithin',
  'deadAction',
  'deadKeyword',
  'deadMailbox',
  'deadLabels',
  // What the workflow gets.
  'downloadAttachments',
  'dataPropertyAttachmentsPrefixName',
  'attachmentTypes',
  'attachmentMostSize',
  'inlineAttachments',
  'truncateAbove',
  // Who hears of what.
  'errorWorkflow',
  'showMailIn',
  'reportAfter',
  'reportOver',
  // Where emails are kept, and how long.
  'mailStore',
  'storeUpTo',
  'keepContentDays',
  'keepEventsDays',
  // The connection.
  'collecting',
  'pollEvery',
  'heartbeat',
  'answerWithin',
  'forceReconnect',
  'allowUnauthorizedCerts',
  'quotaTable',
  'apiBaseUrl',
  'tokenUrl',
  'pubsubBaseUrl',
  'certificatesUrl',
];
