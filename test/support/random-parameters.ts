// Random settings of both triggers: what is entered where a text, a date or a name is asked for.
import { properties as gmailProperties } from '../../nodes/DurableGmailTrigger/properties';
import { properties as imapProperties } from '../../nodes/DurableImapTrigger/properties';
import { settingsOf, type Texts } from './random-settings';

const DATES = ['2026-05-20', '2026-05-20T08:00:00', '2026-05-20T23:30:00-04:00', '2021-01-01T00:00:00.000Z'];
const MATCHES = [
  'ann@',
  'ANN',
  'Größe',
  '/^re: \\d+$/i',
  '/"quoted" \\\\ \\u00e9/u',
  'a/b',
  "O'Hara; --",
  '\ud800 \u0000',
];
const place = (value: string, mode = 'name'): object => ({ __rl: true, mode, value });
export const LABELS = ['INBOX', 'SENT', 'SPAM', 'UNREAD', 'IMPORTANT', 'Label_1', 'Label_2'];

const SHARED: Texts = {
  start: ['new', 'last', 'since', 'everything'],
  startCount: [1, 50, 1_000_000],
  startDate: DATES,
  retrySchedule: ['', '30s', '1m, 2h'],
  attachmentTypes: ['', 'application/pdf, image/*'],
};

export const imapParameters = settingsOf(imapProperties, {
  ...SHARED,
  mailbox: [place('inbox'), place('Orders'), place('Orders/*', 'pattern'), place('Größe', 'list')],
  mailboxes: ['one', 'several', 'pattern'],
  mailboxList: [['A'], ['inbox', 'B "x"']],
  mailboxPattern: ['Orders/%', '*'],
  moreMailboxes: ['Sent', 'inbox'],
  successMailbox: [place('Done')],
  deadMailbox: [place('Dead')],
  successKeyword: ['Processed'],
  deadKeyword: ['$Failed'],
  ...{ from: MATCHES, to: MATCHES, subject: MATCHES },
  customEmailConfig: [
    ...['["UNSEEN"]', '["FROM", "ann"]', '[["SINCE", "20-May-2026"], ["!SUBJECT", "Größe"]]'],
    ...[
      '[["OR", ["SENTON", "2026-05-20T23:30:00Z"], ["UID", 7, "9:*"]]]',
      '[["MODSEQ", "9007199254740993"]]',
    ],
    ...['[["X-GM-RAW", "has:attachment"], [["LARGER", 5], "FLAGGED"]]', '["BEFORE", 1779233400000]'],
  ],
});

export const gmailParameters = settingsOf(gmailProperties, {
  ...SHARED,
  ...{ eventLabels: LABELS, labelIds: LABELS, successLabels: ['Label_1'], deadLabels: ['Label_2'] },
  sender: [...MATCHES, '(ann OR bob)'],
  q: ['', 'has:attachment', 'subject:"Größe \\ x"'],
  pubsubTopic: ['projects/p/topics/gmail'],
  pubsubSubscription: ['projects/p/subscriptions/n8n'],
  pushServiceAccount: ['push@p.iam.gserviceaccount.com'],
  pollTimes: ['', { item: [{ mode: 'everyX', value: 5, unit: 'minutes' }] }],
  maxResults: ['', 3],
});
