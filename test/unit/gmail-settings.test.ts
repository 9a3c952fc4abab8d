// The Gmail trigger's settings: what a person enters becomes what the engine needs, and what can never work is refused in
// words when the workflow is published. Values pass through n8n's own resolution of parameters.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type IExecuteFunctions,
  type INodeCredentialDescription,
  type INodeParameters,
  NodeHelpers,
} from 'n8n-workflow';
import { toOptions } from '../../nodes/DurableGmailTrigger/label-picker';
import { properties } from '../../nodes/DurableGmailTrigger/properties';
import { loginCredentials } from '../../nodes/DurableGmailTrigger/properties/login';
import { itemSettings, mostReadBytes, previewSettings } from '../../nodes/DurableGmailTrigger/settings';
import { gmailPublished } from '../support/published';
import { assertRefused, TriggerNode } from '../support/trigger-node';

const trigger = new TriggerNode('durableGmailTrigger', properties);

const published = (parameters: INodeParameters, mode?: string): ReturnType<typeof gmailPublished> =>
  gmailPublished(trigger.published(parameters, mode));

const running = <T>(parameters: INodeParameters, read: (context: IExecuteFunctions) => T): T =>
  read(trigger.running(parameters));

const NO_FILTER = {
  labels: null,
  sender: null,
  search: null,
  readStatus: 'both',
  drafts: false,
  sent: false,
  scheduled: false,
  spamAndTrash: false,
};

describe("the Gmail trigger's settings", () => {
  it('need nothing but a login', () => {
    assert.deepEqual(published({}), {
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
        event: 'received',
        eventLabels: [],
        filter: NO_FILTER,
        pollMs: 60_000,
        notifications: { kind: 'none' },
      },
      readBy: 'here',
      outage: { afterMs: 300_000, whenOver: true },
      alarmsShowMail: false,
    });
  });

  it('take the parameters of the built-in Gmail Trigger', () => {
    // As its version 1.4 is stored, with everything changed that can be.
    const pasted = JSON.parse(`{
      "pollTimes": { "item": [{ "mode": "everyMinute" }] },
      "authentication": "serviceAccount",
      "event": "messageReceived",
      "simple": false,
      "maxResults": 30,
      "filters": {
        "includeSpamTrash": true,
        "includeDrafts": true,
        "labelIds": ["INBOX", "Label_7"],
        "q": "has:attachment",
        "readStatus": "unread",
        "sender": "ann@example.com"
      },
      "options": { "dataPropertyAttachmentsPrefixName": "file_", "downloadAttachments": true }
    }`) as INodeParameters;
    const { event, filter } = published(pasted).reading;
    const { sender, ...others } = filter;
    assert.equal(event, 'received');
    assert.deepEqual(others, {
      labels: { ids: ['INBOX', 'Label_7'], match: 'all' },
      search: 'has:attachment',
      readStatus: 'unread',
      ...{ drafts: true, sent: false, scheduled: false, spamAndTrash: true },
    });
    assert.ok(sender?.matches('Ann Sender <ann@example.com>'));
    assert.ok(!sender?.matches('bob@example.com'));
    assert.deepEqual(running(pasted, itemSettings), {
      format: 'resolved',
      downloadAttachments: true,
      attachmentPrefix: 'file_',
      attachments: null,
    });
  });

  it('choose what starts the workflow', () => {
    const event = (parameters: INodeParameters): unknown => {
      const { event, eventLabels } = published(parameters).reading;
      return [event, eventLabels];
    };
    assert.deepEqual(event({ event: 'messageSent' }), ['sent', []]);
    assert.deepEqual(event({ event: 'starred' }), ['starred', []]);
    assert.deepEqual(event({ event: 'labelAdded' }), ['labelAdded', []]);
    assert.deepEqual(event({ event: 'labelAdded', eventLabels: ['Label_1', 'Label_1', ''] }), [
      'labelAdded',
      ['Label_1'],
    ]);
    assert.deepEqual(event({ event: 'starred', eventLabels: ['Label_1'] }), ['starred', []], 'not shown');
  });

  it('filter by any of the labels, and take what is left out by itself', () => {
    const { filter } = published({
      filters: { labelIds: ['Label_1'], labelMatch: 'any', includeSent: true, includeScheduled: true },
    }).reading;
    assert.deepEqual(filter, {
      ...NO_FILTER,
      labels: { ids: ['Label_1'], match: 'any' },
      sent: true,
      scheduled: true,
    });
  });

  it('judge the sender by themselves, unless it is written in the language of the search', () => {
    const filter = (filters: INodeParameters): ReturnType<typeof published>['reading']['filter'] =>
      published({ filters }).reading.filter;
    assert.ok(filter({ sender: '/^"?ann/i' }).sender?.matches('"Ann" <x@example.com>'));
    for (const sender of ['(ann OR bob)', '{ann bob}', 'ann OR bob', '"Ann Sender"']) {
      const judged = filter({ sender, q: 'is:important' });
      assert.deepEqual([judged.sender, judged.search], [null, `is:important from:${sender}`]);
    }
    assert.equal(filter({ sender: '(ann OR bob)' }).search, 'from:(ann OR bob)');
  });

  it('say what is done with a mail after success, and when it is dead', () => {
    const done = (parameters: INodeParameters): unknown => published(parameters).subscription.afterSuccess;
    const change = (add: string[], remove: string[]): object => ({ kind: 'changeLabels', add, remove });
    assert.deepEqual(done({ postProcessAction: 'read' }), change([], ['UNREAD']));
    assert.deepEqual(done({ postProcessAction: 'archive' }), change([], ['INBOX']));
    assert.deepEqual(done({ postProcessAction: 'trash' }), { kind: 'trash' });
    const successLabels = ['Label_1', 'STARRED'];
    assert.deepEqual(done({ postProcessAction: 'addLabels', successLabels }), change(successLabels, []));
    assert.deepEqual(done({ postProcessAction: 'removeLabels', successLabels }), change([], successLabels));
    const dead = (options: INodeParameters): unknown => published({ options }).subscription.whenDead;
    assert.deepEqual(dead({ deadAction: 'addLabels', deadLabels: ['Label_2'] }), change(['Label_2'], []));
    assert.deepEqual(dead({ deadAction: 'trash' }), { kind: 'trash' });
  });

  it('say how to hear of new mail', () => {
    const heard = (parameters: INodeParameters): unknown => published(parameters).reading.notifications;
    const topic = 'projects/p/topics/gmail';
    assert.deepEqual(
      heard({
        notifications: 'push',
        pubsubTopic: ` ${topic} `,
        pushServiceAccount: 'push@p.iam.gserviceaccount.com',
      }),
      { kind: 'push', topic },
    );
    const { token, ...pull } = heard({
      notifications: 'pull',
      pubsubTopic: topic,
      pubsubSubscription: 'projects/p/subscriptions/n8n',
    }) as { token: unknown };
    assert.deepEqual(pull, { kind: 'pull', topic, subscription: 'projects/p/subscriptions/n8n' });
    assert.equal(typeof token, 'function');
  });

  it('skip what came while the workflow was off, but never what came while n8n was down', () => {
    const skips = (mode: string): boolean =>
      published({ options: { whileOff: 'skip' } }, mode).reading.skipWhileOff;
    assert.deepEqual(['activate', 'create', 'init', 'update'].map(skips), [true, true, false, false]);
  });

  it('take the options as they are entered', () => {
    const { reading, outage } = published({
      start: 'last',
      startCount: 3,
      options: { pollEvery: 5, storeUpTo: 0, reportAfter: 0, apiBaseUrl: 'https://gmail.p.example/' },
    });
    assert.deepEqual(
      [reading.start, reading.pollMs, reading.mostStoredBytes, outage.afterMs],
      [{ kind: 'last', count: 3 }, 5_000, 0, null],
    );
    assert.equal(running({ options: { truncateAbove: 0.5 } }, mostReadBytes), 512 * 1024);
  });

  it('say in which shape a mail is handed out', () => {
    const items = (parameters: INodeParameters): unknown => running(parameters, itemSettings);
    const simple = {
      format: 'simple',
      downloadAttachments: false,
      attachmentPrefix: 'attachment_',
      attachments: null,
    };
    assert.deepEqual(items({}), simple);
    assert.deepEqual(items({ format: 'raw' }), simple, 'Simplify comes first');
    assert.deepEqual(items({ simple: false }), { ...simple, format: 'resolved' });
    assert.deepEqual(items({ simple: false, format: 'raw' }), { ...simple, format: 'raw' });
    assert.deepEqual(
      items({
        simple: false,
        options: {
          downloadAttachments: true,
          dataPropertyAttachmentsPrefixName: '',
          attachmentMostSize: 1,
          inlineAttachments: false,
        },
      }),
      {
        ...simple,
        format: 'resolved',
        downloadAttachments: true,
        attachments: { inline: false, mostBytes: 1024 * 1024, types: [] },
      },
    );
  });

  it('are the same for a manual test', () => {
    const parameters: INodeParameters = {
      event: 'labelAdded',
      eventLabels: ['Label_1'],
      filters: { q: 'order', readStatus: 'read' },
    };
    const { event, eventLabels, filter } = published(parameters).reading;
    assert.deepEqual(running(parameters, previewSettings), { event, eventLabels, filter });
  });
});

describe('a credential of the Gmail trigger', () => {
  const shown = (type: string, parameters: INodeParameters): boolean => {
    const { node, values } = trigger.resolved(parameters);
    // As n8n looks for it when a credential is read: the first of its type.
    const first = loginCredentials.find(({ name }): boolean => name === type) as INodeCredentialDescription;
    return NodeHelpers.displayParameter(values, first, node, null);
  };

  it('is asked for where it is needed', () => {
    const all = (parameters: INodeParameters): boolean[] =>
      ['gmailOAuth2', 'googleApi'].map((type) => shown(type, parameters));
    const serviceAccount = { authentication: 'serviceAccount' };
    assert.deepEqual(all({}), [true, false]);
    assert.deepEqual(all({ notifications: 'push' }), [true, false]);
    assert.deepEqual(all({ notifications: 'pull' }), [true, true]);
    assert.deepEqual(all(serviceAccount), [false, true]);
    assert.deepEqual(all({ ...serviceAccount, notifications: 'push' }), [false, true]);
    assert.deepEqual(all({ ...serviceAccount, notifications: 'pull' }), [false, true]);
  });
});

describe('the list of labels', () => {
  it("has a person's own labels first, and Gmail's as people know them", () => {
    assert.deepEqual(
      toOptions([
        { id: 'CATEGORY_PERSONAL', name: 'CATEGORY_PERSONAL', type: 'system' },
        { id: 'INBOX', name: 'INBOX', type: 'system' },
        { id: 'YELLOW_STAR', name: 'YELLOW_STAR', type: 'system' },
        { id: 'Label_2', name: 'orders', type: 'user' },
        { id: 'Label_1', name: 'Öffentlich', type: 'user' },
      ]).map(({ name, value }) => `${name} ${String(value)}`),
      [
        'Öffentlich Label_1',
        'orders Label_2',
        'Category: Primary CATEGORY_PERSONAL',
        'Inbox INBOX',
        'YELLOW_STAR YELLOW_STAR',
      ],
    );
  });
});

describe('a setting of the Gmail trigger that can never work is refused, and named:', () => {
  const push = { notifications: 'push', pubsubTopic: 'projects/p/topics/t' };
  const pull = { notifications: 'pull', pubsubTopic: 'projects/p/topics/t' };
  const refusals: readonly [what: string, parameters: INodeParameters, message: RegExp][] = [
    [
      'an event that there is not',
      { event: 'burned' },
      /^"Event" is "burned", which this node does not know/,
    ],
    ['the last 0', { start: 'last', startCount: 0 }, /^"Start With: How Many" must be a whole number from 1/],
    ['since no date', { start: 'since', startDate: 'soon' }, /^"Start With: Since" is not a date\./],
    ['push without a topic', { ...push, pubsubTopic: '' }, /^"Pub\/Sub Topic" is empty\./],
    [
      'push without a service account',
      push,
      /^"Service Account of the Push Subscription" is empty\. Without it anybody could call the webhook\./,
    ],
    [
      'push with a service account that is none',
      { ...push, pushServiceAccount: 'push' },
      /^"Service Account of the Push Subscription" is not an email address\./,
    ],
    [
      'push with a topic that is none',
      { ...push, pushServiceAccount: 'push@p.example', pubsubTopic: 'gmail' },
      /^"Pub\/Sub Topic" is "gmail"\. Enter its whole name, such as projects\/my-project\/topics\/gmail\.$/,
    ],
    ['pull without a topic', { ...pull, pubsubTopic: '' }, /^"Pub\/Sub Topic" is empty\./],
    ['pull without a subscription', pull, /^"Pub\/Sub Subscription" is empty\. Enter its whole name/],
    [
      'pull from a topic',
      { ...pull, pubsubSubscription: 'projects/p/topics/t' },
      /^"Pub\/Sub Subscription" is "projects\/p\/topics\/t"\./,
    ],
    [
      'no labels to add',
      { postProcessAction: 'addLabels' },
      /^"Success Label Names or IDs" is empty\. Choose the labels to add\.$/,
    ],
    [
      "a label that is Gmail's alone",
      { postProcessAction: 'removeLabels', successLabels: ['SENT'] },
      /^"Success Label Names or IDs" has SENT, which Gmail lets nobody remove\./,
    ],
    [
      'an action that there is not',
      { postProcessAction: 'burn' },
      /^"After Success" is "burn", which this node does not know\.$/,
    ],
    [
      'no labels for the dead',
      { options: { deadAction: 'removeLabels' } },
      /^"When Dead: Label Names or IDs" is empty\. Choose the labels to remove\.$/,
    ],
    ['a filter Sender', { filters: { sender: '/(/' } }, /^The filter "Sender" cannot be used: ./],
    [
      'asking all the time',
      { options: { pollEvery: 1 } },
      /^"Poll Every" must be a number from 5 to 3600\.$/,
    ],
    ['an address that is none', { options: { apiBaseUrl: 'gmail' } }, /^"API Address" is not an address\./],
    [
      'an address of another kind',
      { ...push, pushServiceAccount: 'a@b.example', options: { certificatesUrl: 'file:///keys' } },
      /^"Certificates Address" is not an address\./,
    ],
    ['waits that are none', { options: { retrySchedule: 'soon' } }, /^"Retry After" cannot be used: ./],
    [
      'attachment types that are none',
      { simple: false, options: { attachmentTypes: 'pdf' } },
      /^"Attachment Types" cannot be used: ./,
    ],
    ['truncating everything', { options: { truncateAbove: 0 } }, /^"Truncate Mails Above" must be/],
  ];
  for (const [what, parameters, message] of refusals) {
    it(what, () => {
      assertRefused(() => published(parameters), message);
    });
  }
});
