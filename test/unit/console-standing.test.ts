// What is broken and what is only quiet: each way in which a source can be, and what people are told of it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Standing } from '../../engine/console/api';
import { standingOf } from '../../engine/console/source-standing';
import type { SourceHealth } from '../../engine/ledger/inspection';

const NOW = Date.parse('2026-01-31T08:00:00Z');
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const WELL: SourceHealth = {
  ...{ id: 1, kind: 'imap', account: 'ann@mail.example', mailbox: 'INBOX' },
  ...{
    state: 'idle',
    connection: 'idling',
    lastSuccessAt: NOW - 20 * SECOND,
    lastErrorAt: null,
    lastError: null,
  },
  ...{ since: NOW - HOUR, failingSince: null, nextTryAt: null, lastMailAt: null },
  ...{ holder: 'n8n:7:one', unreadSince: null },
  ...{ backfill: null, recovered: null, recoveredAt: null, notifiedUntil: null },
  ...{ actionsWaiting: 0, actionError: null, workflowIds: ['w1'], served: true },
};

const FAILING = {
  state: 'retry_scheduled',
  connection: 'backing_off',
  lastError: 'No route',
  lastErrorAt: NOW,
} as const;

/** No process reads it. */
const gone = (ms: number): Partial<SourceHealth> => ({ holder: null, unreadSince: NOW - ms });

const CASES: readonly [what: string, source: Partial<SourceHealth>, standing: Standing, says: RegExp][] = [
  ['is read', {}, 'well', /^It is read, last 20 s ago\.$/],
  ['has had mail', { lastMailAt: NOW - HOUR }, 'well', /^It is read/],
  ['has had none for days', { lastMailAt: NOW - 72 * HOUR }, 'quiet', /No mail has come for 3 days\./],
  ['was unpublished', { served: false }, 'off', /No published workflow listens.*Publish one/],
  ['was unpublished when it failed', { served: false, ...FAILING }, 'off', /No published workflow/],
  [
    'fails since a moment',
    { ...FAILING, lastSuccessAt: NOW - MINUTE },
    'troubled',
    /just now: No route\. It is tried again/,
  ],
  [
    'fails since long',
    { ...FAILING, lastSuccessAt: NOW - 3 * HOUR },
    'broken',
    /not been read for 3 h: No route\..*"Try again now"/,
  ],
  [
    'fails, with a next try',
    { ...FAILING, lastSuccessAt: NOW - HOUR, nextTryAt: NOW + 40 * SECOND },
    'broken',
    /Next try in 40 s/,
  ],
  [
    'is looked at seldom, and fails since a moment',
    { ...FAILING, lastSuccessAt: NOW - 25 * MINUTE, failingSince: NOW - MINUTE },
    'troubled',
    /could not be read just now/,
  ],
  [
    'is looked at seldom, and fails since long',
    { ...FAILING, lastSuccessAt: NOW - 31 * MINUTE, failingSince: NOW - 6 * MINUTE },
    'broken',
    /not been read for 31 min/,
  ],
  [
    'was read in the midst of a long trouble',
    {
      ...FAILING,
      lastSuccessAt: NOW - 2 * MINUTE,
      lastErrorAt: NOW - MINUTE,
      failingSince: NOW - 6 * MINUTE,
    },
    'troubled',
    /could not be read just now/,
  ],
  [
    'was read by a process that is gone',
    { ...gone(9 * MINUTE), lastSuccessAt: NOW - 10 * MINUTE },
    'broken',
    /^No process reads it; it was last read 10 min ago\. See whether/,
  ],
  ['was read by a process until a moment ago', gone(10 * SECOND), 'well', /It is read/],
  [
    'is looked at seldom, by a process that is gone since a moment',
    { ...gone(MINUTE), connection: 'polling', lastSuccessAt: NOW - 71 * MINUTE },
    'well',
    /last 71 min ago/,
  ],
  [
    'failed, and whose process died since',
    { ...FAILING, ...gone(20 * MINUTE), lastSuccessAt: NOW - HOUR, failingSince: NOW - 50 * MINUTE },
    'broken',
    /^No process reads it; it was last read 60 min ago\. The last one could not: No route\. See whether/,
  ],
  [
    'was failing since long when its process died',
    {
      ...{ ...FAILING, ...gone(MINUTE), nextTryAt: NOW + MINUTE },
      ...{ lastSuccessAt: NOW - HOUR, failingSince: NOW - 50 * MINUTE },
    },
    'broken',
    /^No process reads it just now\. The last one could not: No route\. See whether/,
  ],
  [
    'was failing since a moment when its process died',
    { ...FAILING, ...gone(MINUTE), lastSuccessAt: NOW - HOUR, failingSince: NOW - 2 * MINUTE },
    'troubled',
    /^No process reads it just now\. The last one could not: No route\. The next process/,
  ],
  [
    'could never be read by a process that died',
    { ...FAILING, ...gone(MINUTE), lastSuccessAt: null, failingSince: NOW - 2 * MINUTE },
    'broken',
    /^No process reads it just now\. The last one could not: No route\./,
  ],
  ['was never read', { ...FAILING, lastSuccessAt: null }, 'broken', /^It was never read: No route\./],
  [
    'is being tried again after long',
    {
      ...{ ...FAILING, state: 'gap_checking', connection: 'connecting' },
      ...{ lastSuccessAt: NOW - HOUR, failingSince: NOW - HOUR },
    },
    'broken',
    /not been read for 60 min/,
  ],
  [
    'failed for a process, and is tried by the next one',
    { ...FAILING, state: 'gap_checking', connection: 'connecting', lastSuccessAt: NOW - HOUR },
    'busy',
    /being connected/,
  ],
  [
    'is being read again',
    { ...FAILING, state: 'gap_syncing', connection: 'idling', lastSuccessAt: NOW - HOUR },
    'busy',
    /while it was not read is looked for/,
  ],
  [
    'was not read for hours, and is being looked at',
    { state: 'gap_checking', connection: 'polling', lastSuccessAt: NOW - 5 * HOUR },
    'busy',
    /while it was not read is looked for/,
  ],
  [
    'has older mail that a new process goes on to read',
    { state: 'syncing', connection: 'polling', lastSuccessAt: NOW - 5 * HOUR, since: null },
    'busy',
    /Mail that was there before is being read/,
  ],
  [
    'is read with one mail that cannot be',
    { state: 'retry_scheduled', lastErrorAt: NOW - 20 * SECOND, lastError: 'Mail 7 cannot be read' },
    'troubled',
    /^It is read, but something is wrong: Mail 7 cannot be read\./,
  ],
  ['failed once, long ago', { lastErrorAt: NOW - HOUR, lastError: 'No route' }, 'well', /^It is read/],
  [
    'was not looked at by a process that hangs',
    { lastSuccessAt: NOW - HOUR },
    'broken',
    /Nobody has looked at it for 60 min/,
  ],
  [
    'is polled once an hour',
    { connection: 'polling', lastSuccessAt: NOW - 59 * MINUTE },
    'well',
    /last 59 min ago/,
  ],
  [
    'is polled, and was not',
    { connection: 'polling', lastSuccessAt: NOW - 2 * HOUR },
    'broken',
    /Nobody has looked at it for 2 h.*unpublish/,
  ],
  ['is new', { state: 'pending', connection: 'connecting', lastSuccessAt: null }, 'busy', /being connected/],
  [
    'is about to be',
    { ...gone(MINUTE), state: 'pending', connection: 'closed', lastSuccessAt: null },
    'busy',
    /about to be read/,
  ],
  [
    'no process has ever taken',
    { ...gone(6 * MINUTE), state: 'pending', connection: 'closed', lastSuccessAt: null },
    'broken',
    /^No process reads it; it was never read\. See whether/,
  ],
  [
    'is looked at seldom, while n8n is started again',
    { ...gone(MINUTE), connection: 'closed', lastSuccessAt: NOW - HOUR },
    'busy',
    /about to be read/,
  ],
  [
    'is looked at seldom, and was just taken by the next process',
    { connection: 'closed', lastSuccessAt: NOW - HOUR, since: null },
    'busy',
    /about to be read/,
  ],
  [
    'lost its process',
    { ...gone(6 * MINUTE), connection: 'closed', lastSuccessAt: NOW - HOUR },
    'broken',
    /No process reads it; it was last read 60 min/,
  ],
  [
    'has older mail',
    { state: 'syncing', backfill: { read: 300, left: 1_200 } },
    'busy',
    /300 read, about 1200 left\. New mail comes first\./,
  ],
  [
    'has an action that is refused',
    { actionsWaiting: 3, actionError: 'No mailbox Done' },
    'troubled',
    /3 actions wait for its server: No mailbox Done\./,
  ],
  ['has actions under way', { actionsWaiting: 3 }, 'well', /3 actions are being done/],
];

describe('a source', () => {
  for (const [what, source, standing, says] of CASES) {
    it(`that ${what} is ${standing}`, () => {
      const told = standingOf({ ...WELL, ...source }, NOW);
      assert.equal(told.standing, standing, told.says);
      assert.match(told.says, says);
    });
  }

  it('is told of in whole sentences, however it is, and is never broken while it is read', () => {
    const past = fc.option(fc.integer({ min: 0, max: 100 * HOUR }).map((ms) => NOW - ms));
    const source = fc.record({
      state: fc.constantFrom(
        'pending',
        'syncing',
        'idle',
        'gap_checking',
        'gap_syncing',
        'error',
        'retry_scheduled',
      ),
      connection: fc.constantFrom('connecting', 'idling', 'polling', 'backing_off', 'closed'),
      ...{ lastSuccessAt: past, lastErrorAt: past, lastMailAt: past, nextTryAt: past, failingSince: past },
      ...{ since: past, unread: past },
      lastError: fc.option(fc.string()),
      backfill: fc.option(fc.record({ read: fc.nat(), left: fc.nat() })),
      actionsWaiting: fc.nat(),
      actionError: fc.option(fc.string()),
      served: fc.boolean(),
    }) as fc.Arbitrary<Partial<SourceHealth> & { readonly unread: number | null }>;
    fc.assert(
      fc.property(source, ({ unread, ...one }) => {
        // As the ledger tells it: whoever read it last had it then.
        const unreadSince = unread === null ? null : Math.max(unread, one.lastSuccessAt ?? unread);
        const reader = { unreadSince, holder: unreadSince === null ? 'n8n:7:one' : null };
        const { standing, says } = standingOf({ ...WELL, ...one, ...reader }, NOW);
        assert.match(says, /^[A-Z].*[.!?…]$/s);
        const isRead = typeof one.lastSuccessAt === 'number' && NOW - one.lastSuccessAt <= 5 * MINUTE;
        if (isRead || !one.served) assert.notEqual(standing, 'broken', says);
        if (!one.served || unreadSince === null) return;
        assert.doesNotMatch(says, /[Nn]ext try/, 'nobody tries it');
        if (NOW - unreadSince > 5 * MINUTE)
          assert.match(`${standing}: ${says}`, /^broken: No process reads it/);
        else assert.doesNotMatch(says, /No process reads it;|Nobody has looked/);
      }),
      { numRuns: 2_000 },
    );
  });
});
