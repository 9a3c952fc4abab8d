// Workflows go on as they were stored: by an older version of the triggers, which had as fields what are options now, and by
// each version of the built-in ones. Values pass through n8n's own resolution of parameters.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type INodeParameters, NodeHelpers } from 'n8n-workflow';
import { isNamedByCredential, mailStoreOptionLogin } from '../../nodes/host/store/mail-store-choice';
import { properties as gmailProperties } from '../../nodes/DurableGmailTrigger/properties';
import { properties } from '../../nodes/DurableImapTrigger/properties';
import { itemSettings } from '../../nodes/DurableImapTrigger/settings';
import { gmailPublished, imapPublished } from '../support/published';
import { assertRefused, TriggerNode } from '../support/trigger-node';

const imap = new TriggerNode('durableImapTrigger', properties);
const gmail = new TriggerNode('durableGmailTrigger', gmailProperties);

const published = (parameters: INodeParameters): ReturnType<typeof imapPublished> =>
  imapPublished(imap.published(parameters));
const items = (parameters: INodeParameters): ReturnType<typeof itemSettings> =>
  itemSettings(imap.running(parameters));
const ofGmail = (parameters: INodeParameters, version = 1.4): ReturnType<typeof gmailPublished> =>
  gmailPublished(gmail.published(parameters, 'activate', version));

describe('what was a field of its own', () => {
  it('counts as it was stored, until the option is set that took its place', () => {
    const before = { mailboxes: 'several', mailboxList: ['A', 'B'], start: 'last', startCount: 7 };
    const { mailboxes, reading } = published(before);
    assert.deepEqual(
      [mailboxes, reading.start],
      [
        { kind: 'names', names: ['A', 'B'] },
        { kind: 'last', count: 7 },
      ],
    );
    const now = published({
      ...before,
      mailbox: { __rl: true, mode: 'name', value: 'C' },
      options: { moreMailboxes: ['D', 'C'], start: 'new' },
    });
    assert.deepEqual(now.mailboxes, { kind: 'names', names: ['C', 'D'] });
    assert.deepEqual(now.reading.start, { kind: 'new' });
    assert.deepEqual(published({ ...before, options: { moreMailboxes: [] } }).mailboxes, {
      kind: 'names',
      names: ['INBOX'],
    });
    const prefix = { format: 'resolved', dataPropertyAttachmentsPrefixName: 'file_' };
    assert.equal(items(prefix).attachmentPrefix, 'file_');
    const options = { dataPropertyAttachmentsPrefixName: 'part_' };
    assert.equal(items({ ...prefix, options }).attachmentPrefix, 'part_');
  });

  it('gives way to a pattern, which is a way to name mailboxes now', () => {
    const mailbox = { __rl: true, mode: 'pattern', value: ' Orders/* ' };
    const pattern = { kind: 'pattern', pattern: 'Orders/*' };
    assert.deepEqual(published({ mailbox }).mailboxes, pattern);
    assert.deepEqual(published({ mailbox, mailboxes: 'several', mailboxList: ['A'] }).mailboxes, pattern);
    assertRefused(
      () => published({ mailbox, options: { moreMailboxes: ['A'] } }),
      /^"More Mailboxes" cannot be added to a pattern\./,
    );
    assertRefused(
      () => published({ mailbox: { ...mailbox, value: '' } }),
      /^"Mailbox Name" is empty\. Enter a pattern, such as/,
    );
  });

  it('asks for the login of its database, wherever that was chosen', () => {
    const shown = (trigger: TriggerNode, parameters: INodeParameters): boolean[] => {
      const { node, values } = trigger.resolved(parameters);
      return [
        NodeHelpers.displayParameter(values, mailStoreOptionLogin, node, null),
        isNamedByCredential({ parameters: values }),
      ];
    };
    for (const trigger of [imap, gmail]) {
      assert.deepEqual(shown(trigger, {}), [false, false]);
      assert.deepEqual(shown(trigger, { mailStore: 'postgres' }), [true, true]);
      assert.deepEqual(shown(trigger, { options: { mailStore: 'postgres' } }), [true, true]);
      assert.deepEqual(shown(trigger, { options: { mailStore: 'default' } }), [false, false]);
      assert.equal(shown(trigger, { mailStore: 'postgres', options: { mailStore: 'default' } })[1], false);
    }
  });
});

describe('what behaves like the built-in Email Trigger (IMAP)', () => {
  const like = { likeBuiltIn: true };
  const criteria = (options: INodeParameters): unknown => published({ options }).reading.criteria;

  it('takes unread mail, unless rules say otherwise', () => {
    assert.deepEqual(criteria(like), criteria({ customEmailConfig: '["UNSEEN"]' }));
    const customEmailConfig = '["SEEN"]';
    assert.deepEqual(criteria({ ...like, customEmailConfig }), criteria({ customEmailConfig }));
    assert.equal(criteria({ likeBuiltIn: false }), null);
  });

  it('marks it as read after success, unless something else is chosen', () => {
    const done = (parameters: INodeParameters): unknown =>
      published({ ...parameters, options: like }).subscription.afterSuccess;
    assert.deepEqual(done({}), { kind: 'markRead' });
    assert.equal(done({ postProcessAction: 'nothing' }), null);
    assert.deepEqual(done({ postProcessAction: 'flag' }), { kind: 'flag' });
    assert.equal(published({}).subscription.afterSuccess, null);
    assert.equal(published({ options: like }).subscription.whenDead, null);
  });

  it('downloads what is attached, and not what is shown within the text', () => {
    const inline = (parameters: INodeParameters): boolean => items(parameters).attachments?.inline ?? true;
    assert.equal(inline({ downloadAttachments: true, options: like }), false);
    assert.equal(inline({ options: { ...like, inlineAttachments: true } }), true);
    assert.equal(inline({ format: 'resolved', options: like }), true);
    assert.equal(items({ options: like }).downloadAttachments, false);
  });
});

describe('what was stored by the built-in Gmail Trigger', () => {
  const every = (...item: INodeParameters[]): INodeParameters => ({ pollTimes: { item } });
  const pollMs = (parameters: INodeParameters): number => ofGmail(parameters).reading.pollMs;

  it('looks as often as it was told, where that can be', () => {
    assert.equal(pollMs(every({ mode: 'everyMinute' })), 60_000);
    assert.equal(pollMs(every({ mode: 'everyHour', minute: 5 })), 3_600_000);
    assert.equal(
      pollMs(every({ mode: 'everyX', value: 5, unit: 'minutes' }, { mode: 'everyHour' })),
      300_000,
    );
    assert.equal(pollMs(every({ mode: 'everyX', value: 1, unit: 'hours' })), 3_600_000);
    for (const time of [
      { mode: 'everyDay', hour: 14 },
      { mode: 'custom', cronExpression: '0 8 * * *' },
      { mode: 'everyX', value: 2, unit: 'hours' },
    ]) {
      assertRefused(() => pollMs(every(time)), /^"Poll Times" .* Add the option "Poll Every"/);
      assert.equal(pollMs({ ...every(time), options: { pollEvery: 30 } }), 30_000);
    }
  });

  it('runs no more at a time than it was to take at once', () => {
    const runs = (parameters: INodeParameters): number => ofGmail(parameters).delivery.mostRuns;
    assert.deepEqual([runs({}), runs({ maxResults: 2 }), runs({ maxResults: 50 })], [5, 2, 5]);
    assert.equal(runs({ maxResults: 2, options: { mostInFlight: 9 } }), 9);
    assertRefused(() => runs({ maxResults: 0 }), /^"Max Emails per Poll" must be/);
  });

  it('takes what its version took, only if it is told to behave so', () => {
    const takes = (version: number, options = {}, filters = {}): boolean[] => {
      const { drafts, sent, scheduled } = ofGmail({ options, filters }, version).reading.filter;
      return [drafts, sent, scheduled];
    };
    const likeBuiltIn = true;
    assert.deepEqual(takes(1), [false, false, false]);
    assert.deepEqual(takes(1.1, { likeBuiltIn }), [true, true, true]);
    assert.deepEqual(takes(1.2, { likeBuiltIn }), [false, true, true]);
    assert.deepEqual(takes(1.3, { likeBuiltIn }), [false, false, true]);
    assert.deepEqual(takes(1.4, { likeBuiltIn }), [false, false, false]);
    assert.deepEqual(takes(1, { likeBuiltIn }, { includeDrafts: false }), [false, true, true]);
  });
});
