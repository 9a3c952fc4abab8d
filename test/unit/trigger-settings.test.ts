// The trigger's settings: what a person enters becomes what the engine needs, and what can never work is refused in
// words when the workflow is published. Values pass through n8n's own resolution of parameters.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { IExecuteFunctions, INodeParameters } from 'n8n-workflow';
import type { FilterFacts } from '../../engine/mail/filter';
import { isChosen } from '../../engine/imap/session/mailboxes';
import { properties } from '../../nodes/DurableImapTrigger/properties';
import { itemSettings, mostReadBytes, previewSettings } from '../../nodes/DurableImapTrigger/settings';
import { matchesFilter } from '../../engine/mail/filter';
import { imapPublished } from '../support/published';
import { assertRefused, TriggerNode } from '../support/trigger-node';

const trigger = new TriggerNode('durableImapTrigger', properties);

const published = (parameters: INodeParameters, mode?: string): ReturnType<typeof imapPublished> =>
  imapPublished(trigger.published(parameters, mode));

const running = <T>(parameters: INodeParameters, read: (context: IExecuteFunctions) => T): T =>
  read(trigger.running(parameters));

const MAIL: FilterFacts = {
  from: 'Ann Sender <ann@example.com>',
  to: 'bob@example.com',
  subject: 'Re: Order 17',
  size: 5_000,
  seen: false,
  hasAttachment: false,
};

describe("the trigger's settings", () => {
  it('need nothing but a login', () => {
    assert.deepEqual(published({}), {
      mailboxes: { kind: 'names', names: ['INBOX'] },
      delivery: { mostRuns: 5, mailsPerRun: 1, mostQueuedMs: 300_000 },
      subscription: {
        retryDelaysMs: [30_000, 60_000, 300_000],
        guarantee: 'atLeastOnce',
        keepContentMs: 0,
        retentionMs: 90 * 86_400_000,
        afterSuccess: null,
        whenDead: null,
      },
      reading: {
        start: { kind: 'new' },
        skipWhileOff: false,
        mostStoredBytes: 50 * 1024 * 1024,
        filter: null,
        criteria: null,
        heartbeatMs: null,
        commandMs: 30_000,
        reconnectMs: null,
      },
      readBy: 'here',
      outage: { afterMs: 300_000, whenOver: true },
      alarmsShowMail: false,
    });
    assert.equal(published({ options: { collecting: 'reserve' } }).readBy, 'reserve');
  });

  it('take up to 20 mails in one run while many wait, where a person chose so, whatever else was chosen before', () => {
    const { delivery } = published({ options: { mailsPerRunAutomatic: true, mailsPerRun: 1 } });
    assert.deepEqual(delivery, { mostRuns: 5, mailsPerRun: 20, fewAlone: true, mostQueuedMs: 300_000 });
    const off = published({ options: { mailsPerRunAutomatic: false, mailsPerRun: 3 } });
    assert.deepEqual(off.delivery, { mostRuns: 5, mailsPerRun: 3, mostQueuedMs: 300_000 });
  });

  it('take the options as they are entered', () => {
    const { delivery, subscription, reading, outage } = published({
      options: {
        mostInFlight: 7,
        mailsPerRun: 20,
        startWithin: 0.5,
        guarantee: 'atMostOnce',
        keepContentDays: 1,
        keepEventsDays: 2,
        retrySchedule: '',
        storeUpTo: 0,
        heartbeat: 25,
        answerWithin: 5,
        forceReconnect: 2.5,
        reportAfter: 0,
        reportOver: true,
      },
    });
    assert.deepEqual(delivery, { mostRuns: 7, mailsPerRun: 20, mostQueuedMs: 30_000 });
    assert.deepEqual(subscription, {
      retryDelaysMs: [],
      guarantee: 'atMostOnce',
      keepContentMs: 86_400_000,
      retentionMs: 172_800_000,
      afterSuccess: null,
      whenDead: null,
    });
    assert.deepEqual(
      [reading.mostStoredBytes, reading.heartbeatMs, reading.commandMs, reading.reconnectMs],
      [0, 25_000, 5_000, 150_000],
    );
    assert.deepEqual(outage, { afterMs: null, whenOver: true });
    assert.equal(published({ options: { forceReconnect: 0 } }).reading.reconnectMs, null);
  });

  it('name one mailbox, several, or a pattern', () => {
    const choice = (parameters: INodeParameters): unknown => published(parameters).mailboxes;
    assert.deepEqual(choice({ mailbox: ' inbox ' }), { kind: 'names', names: ['INBOX'] });
    assert.deepEqual(choice({ mailbox: { __rl: true, mode: 'list', value: 'Sent' } }), {
      kind: 'names',
      names: ['Sent'],
    });
    assert.deepEqual(choice({ mailbox: { __rl: true, mode: 'name', value: 'Bestellungen/Öl' } }), {
      kind: 'names',
      names: ['Bestellungen/Öl'],
    });
    assert.deepEqual(choice({ mailboxes: 'several', mailboxList: ['Inbox', 'A', 'INBOX', 'A'] }), {
      kind: 'names',
      names: ['INBOX', 'A'],
    });
    assert.deepEqual(choice({ mailboxes: 'pattern', mailboxPattern: 'Orders/* ' }), {
      kind: 'pattern',
      pattern: 'Orders/*',
    });
  });

  it('say where to begin; a date is one of the time zone of the workflow', () => {
    const start = (parameters: INodeParameters): unknown => published(parameters).reading.start;
    assert.deepEqual(start({ start: 'last' }), { kind: 'last', count: 50 });
    assert.deepEqual(start({ start: 'last', startCount: 3 }), { kind: 'last', count: 3 });
    assert.deepEqual(start({ start: 'everything' }), { kind: 'everything' });
    for (const date of ['2026-05-20', '2026-05-20T00:00:00', '2026-05-19T22:00:00Z', '2026-05-20 00:00:00']) {
      assert.deepEqual(start({ start: 'since', startDate: date }), {
        kind: 'since',
        at: Date.UTC(2026, 4, 19, 22),
      });
    }
  });

  it('take no beginning that is still to come, as one of another time zone is; a trigger that listens goes on', () => {
    const parameters = { options: { start: 'since', startDate: '2999-01-01T08:00:00' } };
    const refused =
      /^"Start With: Since" lies in the future: 2999-01-01 08:00\. It counts in the time zone of the workflow, Europe\/Berlin, where it is \d{4}-\d\d-\d\d \d\d:\d\d now\./;
    for (const mode of ['activate', 'update']) {
      assert.throws(() => published(parameters, mode), { message: refused });
    }
    assert.throws(() => running(parameters, previewSettings), { message: refused });
    assert.equal(published(parameters, 'init').reading.start.kind, 'since');
    const soon = new Date(Date.now() + 60_000).toISOString();
    assert.equal(published({ start: 'since', startDate: soon }, 'activate').reading.start.kind, 'since');
  });

  it('skip what came while the workflow was off, but never what came while n8n was down', () => {
    const skips = (mode: string, whileOff = 'skip'): boolean =>
      published({ options: { whileOff } }, mode).reading.skipWhileOff;
    assert.deepEqual(
      ['activate', 'create', 'init', 'update', 'leadershipChange', 'manual'].map((mode) => skips(mode)),
      [true, true, false, false, false, false],
    );
    assert.equal(skips('activate', 'continue'), false);
  });

  it('say what is done with a mail after success, and when it is dead', () => {
    const done = (parameters: INodeParameters): unknown => published(parameters).subscription.afterSuccess;
    const mailbox = { __rl: true, mode: 'list', value: 'Done' };
    assert.deepEqual(done({ postProcessAction: 'read' }), { kind: 'markRead' });
    assert.deepEqual(done({ postProcessAction: 'flag' }), { kind: 'flag' });
    assert.deepEqual(done({ postProcessAction: 'delete' }), { kind: 'delete', takesAway: true });
    assert.deepEqual(done({ postProcessAction: 'keyword', successKeyword: ' Processed ' }), {
      kind: 'addKeyword',
      keyword: 'Processed',
    });
    assert.deepEqual(done({ postProcessAction: 'move', successMailbox: mailbox }), {
      kind: 'move',
      mailbox: 'Done',
      takesAway: true,
    });
    assert.deepEqual(done({ postProcessAction: 'copy', successMailbox: 'Done' }), {
      kind: 'copy',
      mailbox: 'Done',
    });
    const dead = (options: INodeParameters): unknown => published({ options }).subscription.whenDead;
    assert.deepEqual(dead({ deadAction: 'read' }), { kind: 'markRead' });
    assert.deepEqual(dead({ deadAction: 'keyword', deadKeyword: 'Failed' }), {
      kind: 'addKeyword',
      keyword: 'Failed',
    });
    assert.deepEqual(dead({ deadAction: 'move', deadMailbox: mailbox }), {
      kind: 'move',
      mailbox: 'Done',
      takesAway: true,
    });
  });

  it('filter by what is entered, and by nothing else', () => {
    const takes = (filters: INodeParameters, facts: Partial<FilterFacts> = {}): boolean => {
      const { filter } = published({ filters }).reading;
      return filter === null || matchesFilter(filter, { ...MAIL, ...facts });
    };
    assert.equal(
      published({ filters: { from: '', hasAttachment: 'any', unreadOnly: false } }).reading.filter,
      null,
    );
    assert.ok(takes({ from: 'ANN@' }));
    assert.ok(!takes({ from: 'carol' }));
    assert.ok(takes({ to: 'bob' }));
    assert.ok(!takes({ to: 'ann' }));
    assert.ok(takes({ subject: '/^re: order \\d+$/i' }));
    assert.ok(!takes({ subject: '/^order/' }));
    assert.ok(takes({ hasAttachment: 'no' }));
    assert.ok(!takes({ hasAttachment: 'yes' }));
    assert.ok(takes({ unreadOnly: true }));
    assert.ok(!takes({ unreadOnly: true }, { seen: true }));
    assert.ok(takes({ largerThan: 4, smallerThan: 5 }));
    assert.ok(!takes({ largerThan: 5 }));
    assert.ok(!takes({ smallerThan: 4 }));
  });

  it('take the parameters of the built-in Email Trigger (IMAP)', () => {
    // As its versions 2.1 and 2.2 are stored, with everything changed that can be.
    const pasted = JSON.parse(`{
      "mailbox": "Orders",
      "postProcessAction": "nothing",
      "downloadAttachments": true,
      "format": "simple",
      "dataPropertyAttachmentsPrefixName": "file_",
      "options": {
        "customEmailConfig": "[\\"UNSEEN\\", [\\"FROM\\", \\"ann@example.com\\"]]",
        "forceReconnect": 30,
        "trackLastMessageId": true
      }
    }`) as INodeParameters;
    const { mailboxes, subscription, reading } = published(pasted);
    assert.deepEqual(mailboxes, { kind: 'names', names: ['Orders'] });
    assert.equal(subscription.afterSuccess, null);
    assert.deepEqual(reading.start, { kind: 'new' });
    assert.notEqual(reading.criteria, null);
    assert.equal(reading.reconnectMs, 30 * 60_000);
    assert.deepEqual(running(pasted, itemSettings), {
      format: 'simple',
      downloadAttachments: true,
      attachmentPrefix: 'file_',
      attachments: null,
    });
  });

  it('take the built-in trigger\'s "Resolved" and "Mark as Read", too', () => {
    const pasted: INodeParameters = {
      postProcessAction: 'read',
      format: 'resolved',
      dataPropertyAttachmentsPrefixName: 'part_',
      options: {},
    };
    assert.deepEqual(published(pasted).subscription.afterSuccess, { kind: 'markRead' });
    const { format, attachmentPrefix } = running(pasted, itemSettings);
    assert.deepEqual([format, attachmentPrefix], ['resolved', 'part_']);
  });

  it('begin with all unread mail where the built-in trigger would fetch it again and again', () => {
    const { start, criteria } = published({ options: { trackLastMessageId: false } }).reading;
    assert.deepEqual(start, { kind: 'everything' });
    const unread = published({ options: { customEmailConfig: '["UNSEEN"]' } }).reading.criteria;
    assert.deepEqual(criteria, unread);
    const chosen = published({ start: 'last', options: { trackLastMessageId: false } }).reading;
    assert.deepEqual([chosen.start, chosen.criteria], [{ kind: 'last', count: 50 }, null]);
  });

  it('say in which shape a mail is handed out', () => {
    const items = (parameters: INodeParameters): unknown => running(parameters, itemSettings);
    const plain = {
      format: 'simple',
      downloadAttachments: false,
      attachmentPrefix: 'attachment_',
      attachments: null,
    };
    assert.deepEqual(items({}), plain);
    assert.deepEqual(items({ downloadAttachments: true }), { ...plain, downloadAttachments: true });
    assert.deepEqual(items({ format: 'message' }), { ...plain, format: 'message' });
    assert.deepEqual(items({ format: 'raw' }), { ...plain, format: 'raw' });
    assert.deepEqual(
      items({ options: { attachmentMostSize: 2, attachmentTypes: 'application/pdf, image/*' } }),
      {
        ...plain,
        attachments: { inline: true, mostBytes: 2 * 1024 * 1024, types: ['application/pdf', 'image/*'] },
      },
    );
    assert.deepEqual(items({ format: 'resolved', options: { inlineAttachments: false } }), {
      ...plain,
      format: 'resolved',
      downloadAttachments: true,
      attachments: { inline: false, mostBytes: null, types: [] },
    });
    assert.equal(running({}, mostReadBytes), 250 * 1024 * 1024);
    assert.equal(running({ options: { truncateAbove: 0.5 } }, mostReadBytes), 512 * 1024);
  });

  it('are the same for a manual test', () => {
    const parameters: INodeParameters = {
      mailboxes: 'pattern',
      mailboxPattern: 'Orders/%',
      filters: { subject: 'Order' },
      options: { customEmailConfig: '["UNSEEN"]', truncateAbove: 1 },
    };
    const { mailboxes, filter, criteria, mostReadBytes, items } = running(parameters, previewSettings);
    assert.deepEqual(mailboxes, { kind: 'pattern', pattern: 'Orders/%' });
    assert.equal(filter && matchesFilter(filter, MAIL), true);
    assert.deepEqual(criteria, published(parameters).reading.criteria);
    assert.equal(mostReadBytes, 1024 * 1024);
    assert.deepEqual(items, running(parameters, itemSettings));
  });
});

describe('a setting that can never work is refused, and named:', () => {
  const list = (value: string): INodeParameters => ({ __rl: true, mode: 'list', value });
  const refusals: readonly [what: string, parameters: INodeParameters, message: RegExp][] = [
    ['no mailbox', { mailbox: ' ' }, /^"Mailbox Name" is empty\. Enter one, such as INBOX\.$/],
    ['an unchosen mailbox', { mailbox: list('') }, /^"Mailbox Name" is empty\./],
    [
      'none of several',
      { mailboxes: 'several' },
      /^"Mailbox Names" is empty\. Add the option "More Mailboxes", and choose them there\.$/,
    ],
    [
      'no pattern',
      { mailboxes: 'pattern' },
      /^"Mailbox Pattern" is empty\. Choose By Pattern in "Mailbox Name", and enter one/,
    ],
    [
      'the last 0',
      { start: 'last', startCount: 0 },
      /^"Start With: How Many" must be a whole number from 1 to 1000000\.$/,
    ],
    ['the last 1.5', { start: 'last', startCount: 1.5 }, /^"Start With: How Many" must be a whole number/],
    ['since nothing', { start: 'since' }, /^"Start With: Since" is empty\. Choose a date\.$/],
    [
      'since no date',
      { start: 'since', startDate: 'last May 5' },
      /^"Start With: Since" is not a date\. Enter one such as/,
    ],
    [
      'since the 40th',
      { start: 'since', startDate: '2026-05-40' },
      /^"Start With: Since" is not a date\. Enter one such as/,
    ],
    ['no keyword', { postProcessAction: 'keyword' }, /^"Keyword" is empty\. Enter one, such as Processed\.$/],
    [
      'a keyword of two words',
      { postProcessAction: 'keyword', successKeyword: 'very done' },
      /^"Keyword" cannot be used: The keyword "very done" contains a space\./,
    ],
    [
      'a move to nowhere',
      { postProcessAction: 'move' },
      /^"To Mailbox" is empty\. Choose the mailbox to move emails to\.$/,
    ],
    [
      'a move to the watched mailbox',
      { postProcessAction: 'move', successMailbox: list('Inbox') },
      /^"After Success" would move emails to "INBOX", which this node watches itself\. Choose another one in "To Mailbox"\.$/,
    ],
    [
      'a copy to one of several watched mailboxes',
      {
        mailboxes: 'several',
        mailboxList: ['INBOX', 'Orders'],
        postProcessAction: 'copy',
        successMailbox: list('Orders'),
      },
      /^"After Success" would copy emails to "Orders", which this node watches itself\./,
    ],
    [
      'a move to a mailbox of the watched pattern',
      {
        mailboxes: 'pattern',
        mailboxPattern: 'Orders/%',
        postProcessAction: 'move',
        successMailbox: list('Orders/Done'),
      },
      /^"After Success" would move emails to "Orders\/Done", which this node watches itself\./,
    ],
    [
      'an action that there is not',
      { postProcessAction: 'burn' },
      /^"After Success" is "burn", which this node does not know\.$/,
    ],
    [
      'a dead mail without a mailbox to move to',
      { options: { deadAction: 'move' } },
      /^"When Dead: To Mailbox" is empty\. Choose the mailbox to move emails to\.$/,
    ],
    [
      'a dead mail that comes back',
      { options: { deadAction: 'move', deadMailbox: list('INBOX') } },
      /^"When Dead" would move emails to "INBOX", which this node watches itself\. Choose another one in "When Dead: To Mailbox"\.$/,
    ],
    [
      'a dead mail without a keyword',
      { options: { deadAction: 'keyword', deadKeyword: '' } },
      /^"When Dead: Keyword" is empty\./,
    ],
    [
      'rules that are no JSON',
      { options: { customEmailConfig: '["UNSEEN"' } },
      /^"Custom Email Rules" cannot be used: ./,
    ],
    [
      'a rule that there is not',
      { options: { customEmailConfig: '["UNSEEN", ["FORM", "ann"]]' } },
      /^"Custom Email Rules" cannot be used: .*FORM/,
    ],
    ['a filter From', { filters: { from: '/(/' } }, /^The filter "From" cannot be used: ./],
    ['a filter To', { filters: { to: '/[/' } }, /^The filter "To" cannot be used: ./],
    ['a filter Subject', { filters: { subject: '/a/q' } }, /^The filter "Subject" cannot be used: ./],
    [
      'sizes that exclude each other',
      { filters: { largerThan: 10, smallerThan: 10 } },
      /^No email is both larger than 10 KB and smaller than 10 KB\.$/,
    ],
    [
      'a size below 0',
      { filters: { largerThan: -1 } },
      /^"Larger Than" must be a number from 0 to 1000000\.$/,
    ],
    [
      'attachment types that are none',
      { options: { attachmentTypes: 'pdf; image' } },
      /^"Attachment Types" cannot be used: ./,
    ],
    ['waits that are none', { options: { retrySchedule: 'soon' } }, /^"Retry After" cannot be used: ./],
    [
      'answers at once',
      { options: { answerWithin: 1 } },
      /^"Answer Within" must be a number from 5 to 120\.$/,
    ],
    [
      'attachments of a negative size',
      { options: { attachmentMostSize: -1 } },
      /^"Attachments Up To" must be/,
    ],
    [
      'a connection of -1 minutes',
      { options: { forceReconnect: -1 } },
      /^"Force Reconnect Every Minutes" must be/,
    ],
    [
      'a heartbeat of a second',
      { options: { heartbeat: 1 } },
      /^"Heartbeat" must be a number from 10 to 1500\.$/,
    ],
    ['a heartbeat that is a text', { options: { heartbeat: 'often' } }, /^"Heartbeat" must be a number/],
    ['content for -1 days', { options: { keepContentDays: -1 } }, /^"Keep Content For" must be/],
    ['events for 0 days', { options: { keepEventsDays: 0 } }, /^"Keep Events For" must be/],
    [
      'half a mail',
      { options: { mailsPerRun: 0.5 } },
      /^"Mails per Run" must be a whole number from 1 to 100\.$/,
    ],
    ['no run', { options: { mostInFlight: 0 } }, /^"Runs at Once" must be a whole number from 1 to 100\.$/],
    ['reports after years', { options: { reportAfter: 1e6 } }, /^"Report an Outage After" must be/],
    ['a start within nothing', { options: { startWithin: 0 } }, /^"Start Within" must be/],
    ['storing everything', { options: { storeUpTo: 1_000 } }, /^"Store Mails Up To" must be/],
    ['truncating everything', { options: { truncateAbove: 0 } }, /^"Truncate Mails Above" must be/],
  ];
  for (const [what, parameters, message] of refusals) {
    it(what, () => {
      assertRefused(() => published(parameters), message);
    });
  }
});

describe('a pattern of mailboxes', () => {
  const fits = (pattern: string, name: string, delimiter?: string): boolean =>
    isChosen({ kind: 'pattern', pattern }, name, delimiter);

  it('has * for anything, and % for anything within a level', () => {
    assert.ok(fits('*', 'Orders/2026/May', '/'));
    assert.ok(fits('Orders/*', 'Orders/2026/May', '/'));
    assert.ok(fits('Orders/%', 'Orders/2026', '/'));
    assert.ok(!fits('Orders/%', 'Orders/2026/May', '/'));
    assert.ok(fits('%.Done', 'Orders.Done', '.'));
    assert.ok(!fits('%', 'Orders.Done', '.'));
    assert.ok(fits('%', 'Orders.Done', '/'));
    assert.ok(fits('%', 'Orders.Done', ''));
    assert.ok(!fits('Orders', 'Orders/2026', '/'));
  });

  it('takes all other signs as they are', () => {
    assert.ok(fits('a+b (c) [d]*', 'a+b (c) [d] e'));
    assert.ok(!fits('a.c', 'abc'));
    assert.ok(fits('x\\y/%', 'x\\y/z', '/'));
    assert.ok(fits('%/Öl 🛢', 'Lager/Öl 🛢', '/'));
  });

  it('is matched at once, however many stars it has', () => {
    assert.ok(!fits(`${'*a%a'.repeat(50)}b`, 'a'.repeat(2_000)));
    assert.ok(fits(`${'*a%a'.repeat(50)}*`, 'a'.repeat(2_000)));
  });
});
