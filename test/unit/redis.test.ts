// Redis without one: its URL, what the environment says, the ids of a stream's entries, and the cache that is never the truth.
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import fc from 'fast-check';
import type { Candidate } from '../../engine/ledger/recording';
import { baseAfter, baseOf, entryId } from '../../engine/redis/entry-id';
import { entryOf } from '../../engine/redis/event-entry';
import { type SeenMarks, withSeenCache } from '../../engine/redis/seen-cache';
import { redisFromUrl, redisName } from '../../engine/redis/settings';
import { redisUse } from '../../engine/redis/use';

const PLAIN = { user: null, password: null, sentinelUser: null, sentinelPassword: null, group: null };

describe('the URL of a Redis', () => {
  it('names a server, sentinels or a cluster, with or without TLS', () => {
    assert.deepEqual(redisFromUrl('redis://localhost'), {
      ...{ ...PLAIN, kind: 'one', addresses: [{ host: 'localhost', port: 6379 }], database: 0, tls: false },
    });
    assert.deepEqual(redisFromUrl('rediss://ann:p%40ss:word@[::1]:7000/3?tls=no-verify'), {
      ...{ ...PLAIN, kind: 'one', addresses: [{ host: '::1', port: 7000 }], database: 3 },
      ...{ user: 'ann', password: 'p@ss:word', tls: { rejectUnauthorized: false } },
    });
    assert.deepEqual(redisFromUrl('rediss+sentinel://:secret@one,two:7001/mails/2?sentinelPassword=other'), {
      ...{ ...PLAIN, kind: 'sentinel', group: 'mails', database: 2, tls: { rejectUnauthorized: true } },
      addresses: [
        { host: 'one', port: 26_379 },
        { host: 'two', port: 7001 },
      ],
      ...{ password: 'secret', sentinelPassword: 'other' },
    });
    const cluster = redisFromUrl('redis+cluster://one:7001,two:7002');
    assert.equal(redisName(cluster), 'the Redis cluster at one:7001, two:7002');
  });

  it('is refused whole, and neither it nor its password is told', () => {
    const wrong: Readonly<Record<string, RegExp>> = {
      'http://:hidden@host': /does not have the form redis:/,
      'redis://:hidden@': /names no host/,
      'redis://:hidden@one,two': /several hosts/,
      'redis://:hidden@host:99999': /none from 1 to 65535/,
      'redis://:hidden@host/hidden': /not the number of a database/,
      'redis://hidden@host': /a user without a password/,
      'redis://:hid%den@host': /not followed by two digits/,
      'redis://:hidden@host?tsl=hidden': /a parameter that is not known/,
      'redis://:hidden@host?tls=no-verify': /begin it with rediss/,
      'rediss://:hidden@host?tls=hidden': /may only be no-verify/,
      'rediss://:hidden@host?ca=/nowhere/hidden': /ca names cannot be read/,
      'redis+sentinel://:hidden@host': /does not say which master/,
      'redis+cluster://:hidden@host/1': /no database but 0/,
    };
    for (const [url, text] of Object.entries(wrong)) {
      assert.throws(
        () => redisFromUrl(url),
        (error: Error) => text.test(error.message) && !/hid/.test(error.message),
        url,
      );
    }
  });
});

describe('what Redis is used for', () => {
  const before = { ...process.env };
  afterEach(() => {
    process.env = { ...before };
  });
  const set = (variables: Readonly<Record<string, string>>): void => {
    process.env = { ...before, ...variables };
  };
  const URL = { DURABLE_MAIL_REDIS_URL: 'redis://localhost' };

  it('is wake-ups only, unless the environment says more', () => {
    set({});
    assert.equal(redisUse(), undefined);
    set(URL);
    assert.deepEqual({ ...redisUse(), settings: null }, { settings: null, stream: null, seenMs: null });
    set({
      ...URL,
      DURABLE_MAIL_REDIS_STREAM: 'mails',
      DURABLE_MAIL_REDIS_STREAM_FIELDS: 'event, data',
      DURABLE_MAIL_REDIS_STREAM_LENGTH: '500',
      DURABLE_MAIL_REDIS_STREAM_DAYS: '2',
      DURABLE_MAIL_REDIS_SEEN_CACHE: 'true',
    });
    const stream = { name: 'mails', fields: ['event', 'data'], most: 500, keepMs: 172_800_000 };
    assert.deepEqual({ ...redisUse(), settings: null }, { settings: null, stream, seenMs: 300_000 });
  });

  it('is never passed over where it cannot be meant', () => {
    const wrong: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
      [{ DURABLE_MAIL_REDIS_STREAM: 'true' }, /STREAM is set, but no Redis is named/],
      [
        { DURABLE_MAIL_REDIS_URL: 'redis://' },
        /environment variable DURABLE_MAIL_REDIS_URL cannot be used/,
      ],
      [{ ...URL, DURABLE_MAIL_REDIS_STREAM: 'my mails' }, /STREAM must be true, or a name/],
      [
        { ...URL, DURABLE_MAIL_REDIS_STREAM: '1', DURABLE_MAIL_REDIS_STREAM_FIELDS: 'subject' },
        /a field that there is not/,
      ],
      [
        { ...URL, DURABLE_MAIL_REDIS_STREAM: '1', DURABLE_MAIL_REDIS_STREAM_DAYS: 'week' },
        /STREAM_DAYS must be a number/,
      ],
      [{ ...URL, DURABLE_MAIL_REDIS_SEEN_CACHE: '5m' }, /SEEN_CACHE must be true/],
    ];
    for (const [variables, text] of wrong) {
      set(variables);
      assert.throws(() => redisUse(), text);
    }
    set({});
    const named = { text: 'redis://:hidden@', of: 'Redis URL in the credential "Store"' };
    assert.throws(
      () => redisUse(named),
      /^Error: Redis URL in the credential "Store" cannot be used: .*no host/,
    );
  });
});

describe('an entry of the stream', () => {
  it('has an id that is its place in the ledger, and rises also where the ledger was put back', () => {
    assert.equal(entryId('ledger01.12.34.1700', 0n), '12-34');
    assert.equal(entryId('ledger01.34.1700', 0n), '34-0');
    assert.throws(() => entryId('34', 0n), /no position/);
    const place = fc.tuple(fc.nat(), fc.nat());
    fc.assert(
      fc.property(place, place, ([major, minor], [lastMajor, lastMinor]) => {
        const position = `ledger01.${major}.${minor}.1`;
        const base = baseAfter(position, 0n, `${lastMajor}-${lastMinor}`);
        const id = entryId(position, base);
        const [idMajor = 0, idMinor = 0] = id.split('-').map(Number);
        assert.ok(idMajor > lastMajor || (idMajor === lastMajor && idMinor > lastMinor));
        assert.equal(baseOf(id, position), base);
      }),
    );
  });

  it('has only the fields that are asked for, and always its type, position and time', () => {
    const time = '2026-01-01T00:00:00.000Z';
    const event = { v: 1, id: 'p', type: 'email.new', time, source: 1, workflow: null, event: 'e' } as const;
    const all = entryOf({ ...event, data: { state: 'PENDING' } }, ['source', 'workflow', 'data']);
    const always = ['type', 'email.new', 'position', 'p', 'time', time];
    assert.deepEqual(all, [...always, 'source', '1', 'data', '{"state":"PENDING"}']);
  });
});

describe('the cache in front of "unrecorded"', () => {
  const candidate = (identity: string, due: readonly number[]): Candidate => ({
    ...{ identity, softIdentity: `soft ${identity}`, accountWide: false, due },
  });

  it('changes nothing, whatever it forgets and whenever', async () => {
    const step = fc.oneof(
      fc.record({ records: fc.constantFrom('a', 'b', 'c', 'd'), for: fc.constantFrom(1, 2) }),
      fc.record({ asks: fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1 }) }),
      fc.record({ forgets: fc.double({ min: 0, max: 1, noNaN: true }) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.infiniteStream(fc.nat(99)),
        async (steps, chance) => {
          const recorded = new Set<string>();
          const marks = new Set<string>();
          const answer = async <T extends Candidate>(asked: readonly T[]): Promise<T[]> =>
            asked.map((one) => ({
              ...one,
              due: one.due.filter((id) => !recorded.has(`${id} ${one.identity}`)),
            }));
          const forgetful: SeenMarks = {
            marked: async (names) =>
              new Set(names.filter((name) => marks.has(name) && chance.next().value! < 80)),
            mark: (names) => names.forEach((name) => marks.add(name)),
          };
          const cached = withSeenCache({ unrecorded: answer }, forgetful);
          for (const one of steps) {
            if ('records' in one) recorded.add(`${one.for} ${one.records}`);
            else if ('forgets' in one)
              for (const mark of marks) if (chance.next().value! < one.forgets * 100) marks.delete(mark);
            if (!('asks' in one)) continue;
            const asked = one.asks.map((identity) => candidate(identity, [1, 2]));
            assert.deepEqual(await cached.unrecorded(asked), await answer(asked));
          }
        },
      ),
    );
  });

  it('asks the ledger only what it does not know, and not at all what it knows', async () => {
    const marks = new Set<string>();
    const asked: string[] = [];
    const cached = withSeenCache(
      {
        unrecorded: async <T extends Candidate>(candidates: readonly T[]) => {
          asked.push(candidates.map(({ identity, due }) => `${identity}:${due.join('+')}`).join(' '));
          return candidates.map((one) => ({ ...one, due: one.due.filter((id) => id === 2) }));
        },
      },
      {
        marked: async (names) => new Set(names.filter((name) => marks.has(name))),
        mark: (names) => names.forEach((name) => marks.add(name)),
      },
    );
    await cached.unrecorded([candidate('a', [1, 2])]);
    const again = await cached.unrecorded([candidate('a', [1, 2]), candidate('a', [1])]);
    assert.deepEqual(
      again.map(({ due }) => due),
      [[2], []],
    );
    await cached.unrecorded([candidate('a', [1])]);
    // Another soft identity is another question.
    await cached.unrecorded([{ ...candidate('a', [1]), softIdentity: null }]);
    assert.deepEqual(asked, ['a:1+2', 'a:2 a:', 'a:1']);
  });
});
