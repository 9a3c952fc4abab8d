// A trigger's reading is data: with whatever settings it was published, what comes back from the ledger takes the same mails in
// another process, and holds no secret.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type INodeParameters, NodeOperationError } from 'n8n-workflow';
import type { GmailReading } from '../../engine/gmail/read/reading';
import { compileGmailReading } from '../../engine/gmail/read/reading-data';
import { isCounted, passesGmail } from '../../engine/gmail/read/selection';
import { compileImapReading } from '../../engine/imap/read/reading-data';
import { passes } from '../../engine/imap/read/selection';
import { compileRules, rulesFromJson } from '../../engine/imap/rules/criteria';
import type { MailFacts } from '../../engine/imap/session/facts';
import type { ImapLogin } from '../../engine/imap/session/login';
import type { NewSubscription, Reading } from '../../engine/ledger/subscriptions';
import { type MailFilter, parseTextMatch } from '../../engine/mail/filter';
import { gmailCollector } from '../../nodes/DurableGmailTrigger/collector';
import { properties as gmailProperties } from '../../nodes/DurableGmailTrigger/properties';
import { listenSettings as gmailSettings } from '../../nodes/DurableGmailTrigger/settings';
import { imapCollector } from '../../nodes/DurableImapTrigger/collector';
import { properties as imapProperties } from '../../nodes/DurableImapTrigger/properties';
import { listenSettings as imapSettings } from '../../nodes/DurableImapTrigger/settings';
import type { Collector, CollectorPorts } from '../../nodes/host/listen/collector';
import type { Store } from '../../nodes/host/store/store';
import { gmailReadingData } from '../support/gmail-reading';
import { gmailParameters, imapParameters, LABELS } from '../support/random-parameters';
import { namesIn, namesOf } from '../support/random-settings';
import { asStored, readingDataOf } from '../support/reading';
import { TriggerNode } from '../support/trigger-node';

const RUNS = 200;
const SECRET = 's3cret';

const imap = new TriggerNode('durableImapTrigger', imapProperties);
const gmail = new TriggerNode('durableGmailTrigger', gmailProperties);

/** @returns null: publishing refuses them */
function published<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    assert.ok(error instanceof NodeOperationError);
    return null;
  }
}

/** On a busy machine a pattern may have no time, and takes the mail (engine/mail/filter.ts): what it refuses is sure. */
async function surely(judge: () => Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 5; tries++) if (!(await judge())) return false;
  return true;
}

/** What a trigger writes to the ledger when it subscribes. */
async function subscribed(collector: Collector): Promise<NewSubscription> {
  const asked: NewSubscription[] = [];
  const ledger = {
    subscriptionsOf: async () => [],
    heritage: async () => [{ source: { kind: 'imap', account: `ann@${HOST}`, mailbox: 'Orders/1' } }],
    subscribe: async (subscription: NewSubscription) => {
      asked.push(subscription);
      return { id: 1, sourceId: 1, cursor: null, createdAt: 0, nodeIds: [1] };
    },
    listensWith: async () => undefined,
  };
  const join = (): (() => Promise<void>) => async () => undefined;
  const store = { ledger, imap: { join }, gmail: { join } } as unknown as Store;
  const ports = {
    ...{ trigger: { workflowId: 'w', nodeId: 'n' }, subscription: { guarantee: 'atLeastOnce' } },
    ...{ begunAt: () => null, subscriber: () => ({}), joined: () => undefined, moved: () => undefined },
    ...{ changed: () => undefined, failed: () => undefined, late: () => undefined, report: () => undefined },
  } as unknown as CollectorPorts;
  const collecting = await collector.collect(store, ports);
  await collecting.start();
  await collecting.stop();
  return asked[0]!;
}

const HOST = 'mail.invalid';
const imapLogin: ImapLogin = {
  ...{ host: HOST, port: 993, secure: true, startTls: 'required', user: 'ann', mostConnections: 1 },
  ...{ proof: { password: SECRET }, allowUnauthorizedCerts: false, ca: SECRET },
};

/** It is data, the ledger has it as it is, and nothing of a login is in it. */
function assertStored(reading: Reading, stored: Reading | undefined): void {
  assert.deepEqual(asStored(reading), reading);
  assert.deepEqual(stored, reading);
  assert.ok(!JSON.stringify(stored).includes(SECRET));
}

/** Every parameter of the description was among those that were published. */
const assertAllSet = (names: readonly string[], parameters: readonly INodeParameters[]): void =>
  assert.deepEqual(
    names.filter((name) => !parameters.some((some) => namesIn(some).includes(name))),
    [],
  );

const WORDS = [
  'Ann <ann@example.com>',
  'bob@example.com',
  'Re: 17',
  're: x',
  'Größe',
  'a/b',
  "O'Hara; --",
  '',
];
const word = fc.constantFrom(...WORDS);

const imapMail: fc.Arbitrary<MailFacts> = fc
  .record({
    from: word,
    to: word,
    cc: word,
    subject: word,
    // Of 0 octets is what the server does not know: no mail is left out for that.
    size: fc.integer({ min: 1, max: 2_000_000 }),
    seen: fc.boolean(),
    attached: fc.boolean(),
  })
  .map(({ from, to, cc, subject, size, seen, attached }) => ({
    ...{ uid: 1, size, receivedAt: 0, emailId: undefined },
    fields: Buffer.from(`From: ${from}\r\nTo: ${to}\r\nCc: ${cc}\r\nSubject: ${subject}\r\n\r\n`),
    flags: new Set(seen ? ['\\Seen'] : []),
    structure: attached
      ? { type: 'application/pdf', disposition: 'attachment' }
      : { type: 'text/plain', disposition: '' },
  }));

/** As a person reads the filters, straight from what was entered. */
function isMeant(
  filters: Readonly<Record<string, unknown>>,
  { fields, size, flags, structure }: MailFacts,
): boolean {
  const field = (name: string): string => new RegExp(`^${name}: (.*)\r$`, 'm').exec(fields!.toString())![1]!;
  const fits = (entered: unknown, text: string): boolean => {
    const wanted = typeof entered === 'string' ? entered.trim() : '';
    return wanted === '' || parseTextMatch(wanted).matches(text);
  };
  const isAttached = structure?.disposition === 'attachment';
  return (
    fits(filters['from'], field('From')) &&
    fits(filters['to'], `${field('To')}, ${field('Cc')}`) &&
    fits(filters['subject'], field('Subject')) &&
    ['any', undefined, isAttached ? 'yes' : 'no'].includes(filters['hasAttachment'] as string) &&
    (filters['unreadOnly'] !== true || !flags!.has('\\Seen')) &&
    (filters['largerThan'] === undefined || size > Number(filters['largerThan']) * 1024) &&
    (filters['smallerThan'] === undefined || size < Number(filters['smallerThan']) * 1024)
  );
}

describe('what a trigger takes, as it comes back from the ledger,', () => {
  it('is what its settings say: mailboxes of an IMAP account', async () => {
    const all: INodeParameters[] = [];
    const takes = { yes: 0, no: 0 };
    await fc.assert(
      fc.asyncProperty(imapParameters, fc.array(imapMail, { minLength: 5 }), async (parameters, mails) => {
        const context = imap.published(parameters);
        const settings = published(() => imapSettings(context));
        if (!settings) return;
        all.push(parameters);
        const login = async (): Promise<ImapLogin> => imapLogin;
        const { reading } = await subscribed(imapCollector({ ...settings, login }));
        assertStored(settings.reading, reading);
        const direct = compileImapReading(settings.reading);
        const { filter, criteria, ...rest } = compileImapReading(asStored(settings.reading));
        assert.deepEqual([criteria, rest.start], [direct.criteria, direct.start]);
        const filters = (imap.resolved(parameters).values['filters'] ?? {}) as Record<string, unknown>;
        for (const mail of mails) {
          const isTakenBy = (one: MailFilter | null): Promise<boolean> =>
            surely(async () => one === null || passes(mail, one));
          const isTaken = await isTakenBy(filter);
          assert.equal(isTaken, await isTakenBy(direct.filter));
          assert.equal(isTaken, await surely(async () => isMeant(filters, mail)));
          takes[isTaken ? 'yes' : 'no']++;
        }
      }),
      { numRuns: RUNS },
    );
    assertAllSet(namesOf(imapProperties), all);
    // Far from what chance gives: both are seen, and often.
    assert.ok(takes.yes > RUNS / 4 && takes.no > RUNS / 4, JSON.stringify(takes));
  });

  it('is what its settings say: a Gmail account', async () => {
    const all: INodeParameters[] = [];
    const takes = { yes: 0, no: 0 };
    const token = async (): Promise<never> => assert.fail('nothing is pulled');
    const mail = fc.record({ from: word, labelIds: fc.subarray(LABELS) }).map(({ from, labelIds }) => ({
      ...{ id: '1', threadId: '1', snippet: '', historyId: '1', internalDate: 0, sizeEstimate: 0 },
      ...{ labelIds, raw: Buffer.from(`From: ${from}\r\n\r\nHello`) },
    }));
    await fc.assert(
      fc.asyncProperty(gmailParameters, fc.array(mail, { minLength: 5 }), async (parameters, mails) => {
        const context = gmail.published(parameters, 'activate', 1.4);
        const settings = published(() => gmailSettings(context));
        if (!settings) return;
        all.push(parameters);
        const collector = gmailCollector(context, {
          ...settings,
          login: async () => ({ address: 'ann@example.com', token: async () => SECRET }) as never,
          pubsubToken: token,
        });
        assertStored(settings.reading, (await subscribed(collector)).reading);
        const direct = compileGmailReading(settings.reading, token);
        const stored = compileGmailReading(asStored(settings.reading), token);
        const { filters } = gmail.resolved(parameters, 1.4).values as { filters?: { sender?: string } };
        const sender = filters?.sender?.trim() ?? '';
        for (const message of mails) {
          const isTakenBy = (one: GmailReading): Promise<boolean> =>
            surely(() => passesGmail(one.filter, message, one));
          const isTaken = await isTakenBy(stored);
          assert.equal(isTaken, await isTakenBy(direct));
          const from = message.raw.toString().slice('From: '.length).split('\r')[0]!;
          // Gmail itself judges what is written in its language.
          const isFrom = async (): Promise<boolean> =>
            ['', '('].includes(sender.slice(0, 1)) || parseTextMatch(sender).matches(from);
          assert.equal(isTaken, isCounted(stored, message.labelIds) && (await surely(isFrom)));
          takes[isTaken ? 'yes' : 'no']++;
        }
        const { token: _, ...notifications } = { token, ...stored.notifications };
        assert.deepEqual(notifications, settings.reading.notifications);
        const {
          filter: { sender: _sender, ...filter },
          notifications: _n,
          ...rest
        } = stored;
        const {
          filter: { sender: _direct, ...own },
          notifications: _o,
          ...others
        } = direct;
        assert.deepEqual({ filter, ...rest }, { filter: own, ...others });
      }),
      { numRuns: RUNS },
    );
    assertAllSet(namesOf(gmailProperties), all);
    assert.ok(takes.yes > RUNS / 4 && takes.no > RUNS, JSON.stringify(takes));
  });

  it('is the same in another time zone', () => {
    const zone = process.env['TZ'];
    const days = (): unknown => compileRules(rules).query;
    const json =
      '[["SINCE", "2026-05-20T23:30:00Z"], ["!BEFORE", 1779233400000], ["OR", ["ON", "20-May-2026"], "SEEN"]]';
    process.env['TZ'] = 'Asia/Tokyo';
    const rules = rulesFromJson(json);
    try {
      assert.deepEqual(rules, [
        ['SINCE', '2026-05-21'],
        ['!BEFORE', '2026-05-20'],
        ['OR', ['ON', '2026-05-20'], 'SEEN'],
      ]);
      const there = days();
      process.env['TZ'] = 'America/Los_Angeles';
      assert.deepEqual(days(), there);
      assert.deepEqual(
        rulesFromJson('["SINCE", "2026-05-20T23:30:00Z"]'),
        ['SINCE', '2026-05-20'],
        'written there',
      );
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
  });

  it('is refused where a newer version has stored it, and where it cannot be compiled, by its name', () => {
    const newer =
      /stored by a newer version of the package \(form 2, this one knows 1\)\. Update the package here, too/;
    const imapNewer = { ...readingDataOf(), v: 2, later: [] } as unknown as ReturnType<typeof readingDataOf>;
    assert.throws(() => compileImapReading(imapNewer), newer);
    const gmailNewer = { ...gmailReadingData(), v: 2 } as unknown as ReturnType<typeof gmailReadingData>;
    assert.throws(() => compileGmailReading(gmailNewer, () => assert.fail()), newer);
    assert.throws(
      () => compileImapReading(readingDataOf({ filter: { subject: '/(/' } })),
      /^Error: The filter "Subject" cannot be used: The regular expression/,
    );
    assert.throws(
      () => compileImapReading(readingDataOf({ rules: [['SINCE', 'x']] })),
      /^Error: "Custom Email Rules" cannot be used: rule 1, "SINCE": "x" is no date/,
    );
  });
});
