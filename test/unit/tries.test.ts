// What becomes of an entry after a try or a look: schedules, jitter, what is in doubt.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type EntryOutcome, MOST_ENTRY_TEXT } from '../../engine/ledger/outbox';
import { DEFAULT_MAIL_SCHEDULE, THREE_TRIES } from '../../engine/outbox/mail/mail-request';
import { DEFAULT_WEBHOOK_SCHEDULE } from '../../engine/outbox/webhook/webhook-request';
import type { InDoubt, Sender, TryEnd } from '../../engine/outbox/sender';
import fc from 'fast-check';
import { afterLook, afterTry, type Found } from '../../engine/outbox/tries';

const MINUTE_MS = 60_000;

const sender = (more: Partial<Sender> = {}): Sender => ({
  kind: 'mail',
  limits: () => ({ mostAtOnce: 1, mostAMinute: null }),
  schedule: () => ({ connection: [1_000, 2_000, 4_000], refused: [MINUTE_MS, 5 * MINUTE_MS] }),
  send: async () => ({ end: 'sent', answer: '250' }),
  inDoubt: () => 'aside',
  ...more,
});
const looking = (inDoubt: InDoubt = 'aside'): Sender =>
  sender({ look: async () => null, inDoubt: () => inDoubt });

const tried = (tries: number, refusals = 0, mayHaveArrived = false) => ({
  ...{ tries, refusals, mayHaveArrived, ageMs: 90 * MINUTE_MS, request: {}, fence: tries },
});
const failed = (why: 'connection' | 'refused', more = {}): TryEnd => ({
  ...{ end: 'failed', error: 'no answer', why },
  ...more,
});
const delayOf = (outcome: EntryOutcome): number => {
  assert.ok(outcome.became === 'QUEUED', outcome.became);
  return outcome.delayMs;
};

/** What comes of looks that find these, one after the other. */
const looks = (
  found: readonly (Found | undefined)[],
  by: Sender,
  ageMs = MINUTE_MS,
  before: EntryOutcome = { became: 'UNKNOWN', error: 'cut off', lookAfterMs: 0 },
): EntryOutcome => {
  let outcome = before;
  for (const [at, one] of found.entries()) {
    assert.ok(outcome.became === 'UNKNOWN' && outcome.lookAfterMs !== null, `over before look ${at + 1}`);
    const said = { lastError: outcome.error, lastAnswer: outcome.answer ?? null };
    outcome = afterLook({ tries: at + 1, ageMs, request: {}, ...said }, one, by);
  }
  return outcome;
};

describe('what becomes of an entry after a try', () => {
  it('waits as its schedule says, for each kind of failure, and never less', () => {
    const delays = (why: 'connection' | 'refused', dice: number): number[] =>
      [1, 2].map((tries) => {
        const before = tried(tries, why === 'refused' ? tries - 1 : 0);
        return delayOf(afterTry(before, failed(why), sender(), () => dice));
      });
    assert.deepEqual(delays('connection', 0), [1_000, 2_000]);
    assert.deepEqual(delays('refused', 0), [MINUTE_MS, 5 * MINUTE_MS]);
    assert.deepEqual(delays('refused', 1), [1.2 * MINUTE_MS, 6 * MINUTE_MS]);
  });

  it('waits as long as its receiver asks, where that is longer, and a day at most', () => {
    const after = (afterMs: number): number =>
      delayOf(afterTry(tried(1), failed('refused', { afterMs }), sender(), () => 0));
    assert.deepEqual([after(1_000), after(600_000), after(1e12)], [MINUTE_MS, 600_000, 86_400_000]);
  });

  it('counts what is not reached and what says "not now" apart, where one has delays that the other has not', () => {
    /** What an entry waits before each further try, ms; FAILED at its end. */
    const waits = (by: Sender, whys: readonly ('connection' | 'refused')[]): unknown[] => {
      let refusals = 0;
      return whys.map((why, at) => {
        const outcome = afterTry(tried(at + 1, refusals), failed(why), by, () => 0);
        if (outcome.became === 'QUEUED' && outcome.isRefusal) refusals++;
        return outcome.became === 'QUEUED' ? outcome.delayMs : outcome.became;
      });
    };
    const [c, r] = ['connection', 'refused'] as const;
    const [s, min] = [1_000, MINUTE_MS];
    const mail = sender({ schedule: () => DEFAULT_MAIL_SCHEDULE });
    const whole = [1 * s, 2 * s, 4 * s, 1 * min, 5 * min, 15 * min, 60 * min, 'FAILED'];
    assert.deepEqual(waits(mail, [c, c, c, c, c, c, c, c]), whole);
    assert.deepEqual(waits(mail, [r, r, r, r, r]), whole.slice(3));
    // A server that comes up again, and is busy.
    assert.deepEqual(waits(mail, [c, c, c, r, r, r, r, r]), whole);
    assert.deepEqual(waits(mail, [r, c, c, r, c]), [1 * min, 1 * s, 2 * s, 5 * min, 4 * s]);
    assert.deepEqual(waits(mail, [c, c, c, c, r, c, r, c]), whole);
    // Both have the same: so many tries, whatever they fail with.
    const three = sender({ schedule: () => THREE_TRIES });
    for (const why of [c, r]) assert.equal(waits(three, [c, r, why])[2], 'FAILED');
    const hook = sender({ schedule: () => DEFAULT_WEBHOOK_SCHEDULE });
    assert.deepEqual(waits(hook, [c, r, c, r]), [1 * min, 5 * min, 15 * min, 'FAILED']);
    // One of them may have none at all.
    const own = sender({ schedule: () => ({ connection: [], refused: [s, min] }) });
    assert.deepEqual(waits(own, [r, r, r]), [s, min, 'FAILED']);
    assert.deepEqual(waits(own, [r, c]), [s, 'FAILED']);
  });

  it('has failed when no try is left, and says how often it was tried, and over how long', () => {
    assert.deepEqual(afterTry(tried(3, 2), failed('refused', { answer: '451 later' }), sender()), {
      ...{ became: 'FAILED', answer: '451 later' },
      error: 'It was tried 3 times in 90 min. The last time: no answer',
    });
    assert.equal(afterTry(tried(3), failed('connection'), sender()).became, 'QUEUED');
  });

  it('has failed at once where its receiver has refused it for good', () => {
    const end: TryEnd = { end: 'refused', error: 'no such user', answer: '550' };
    assert.deepEqual(afterTry(tried(1), end, sender()), {
      ...{ became: 'FAILED', error: 'no such user', answer: '550' },
    });
  });

  it('is given back without a try, where it was not begun', () => {
    const end: TryEnd = { end: 'returned', error: 'no credential', afterMs: 500 };
    assert.deepEqual(afterTry(tried(9), end, sender()), {
      ...{ became: 'QUEUED', error: 'no credential', delayMs: 500, isReturned: true },
    });
  });

  it('has failed where what it takes was not there for a day of looks, and not because nothing ran', () => {
    const end: TryEnd = { end: 'returned', error: 'No "Shop".', afterMs: 60_000, isLacking: true };
    const lacking = { ...tried(1), ageMs: 25 * 60 * MINUTE_MS, fence: 1_441 };
    assert.deepEqual(afterTry(lacking, end, sender()), {
      became: 'FAILED',
      error: 'What it takes was not there, 25 h after it was queued, and it waits no longer: No "Shop".',
    });
    assert.equal(afterTry({ ...lacking, mayHaveArrived: true }, end, sender()).became, 'UNKNOWN');
    const { isLacking: _, ...other } = end;
    assert.equal(afterTry(lacking, other, sender()).became, 'QUEUED');
    for (const less of [{ fence: 1_440 }, { ageMs: 23 * 60 * MINUTE_MS }])
      assert.equal(afterTry({ ...lacking, ...less }, end, sender()).became, 'QUEUED');
  });
});

describe('an entry that may have arrived', () => {
  const end: TryEnd = { end: 'unknown', error: 'cut off' };

  it('is looked for a little later, where that can be done', () => {
    assert.deepEqual(afterTry(tried(1), end, looking('again')), {
      ...{ became: 'UNKNOWN', error: 'cut off', lookAfterMs: 10_000 },
    });
  });

  it('keeps who was refused before it was in doubt, however it ends', () => {
    const heard = '\nNot to carl@example.com: 550';
    const doubt: TryEnd = { ...end, heard };
    const found = looks(['sent'], looking(), MINUTE_MS, afterTry(tried(1), doubt, looking()));
    const text = 'It was in doubt; it was looked for and is there.';
    assert.deepEqual(found, { became: 'SENT', answer: text + heard });
    for (const inDoubt of ['aside', 'again'] as const) {
      const kept = afterTry(tried(1), doubt, sender({ inDoubt: () => inDoubt }));
      assert.ok('answer' in kept && kept.answer.endsWith(heard), inDoubt);
    }
    // Not what was answered to a try before it.
    const before: EntryOutcome = {
      ...{ became: 'UNKNOWN', error: 'cut off', lookAfterMs: 0 },
      answer: `450 Later${heard}`,
    };
    assert.deepEqual(looks(['sent'], looking(), MINUTE_MS, before), { became: 'SENT', answer: text });
  });

  it('waits for a person, or is sent again, as its sender says, where it cannot be looked for', () => {
    const set = afterTry(tried(1), end, sender());
    assert.equal(set.became === 'UNKNOWN' && set.lookAfterMs, null);
    assert.ok(set.became === 'UNKNOWN' && set.error.startsWith('cut off It may have arrived'));
    assert.equal(delayOf(afterTry(tried(1), end, sender({ inDoubt: () => 'again' }), () => 0)), 1_000);
    assert.equal(
      afterTry(tried(1), end, sender({ inDoubt: () => 'againIfNotThere' })).became,
      'UNKNOWN',
      'nobody can look',
    );
  });

  it('never counts as failed, however often it was sent', () => {
    assert.equal(afterTry(tried(4), end, sender({ inDoubt: () => 'again' })).became, 'UNKNOWN');
  });

  it('never counts as failed by what became of a later try', () => {
    const refused: TryEnd = { end: 'refused', error: 'no such user', answer: '550' };
    const text =
      'An earlier try may have arrived. The last one: no such user It may have arrived: look whether it did, then mark it as sent or send it again.';
    assert.deepEqual(afterTry(tried(2, 0, true), refused, sender({ inDoubt: () => 'again' })), {
      ...{ became: 'UNKNOWN', error: text, answer: '550', lookAfterMs: null },
    });
    const usedUp = afterTry(tried(4, 0, true), failed('connection'), sender());
    assert.ok(usedUp.became === 'UNKNOWN' && usedUp.error.startsWith('An earlier try may have arrived.'));
  });

  it('is looked for after a later try was refused, and is sent, failed, or for a person, but not sent again', () => {
    const by = looking('again');
    const refused = afterTry(tried(2, 0, true), { end: 'refused', error: 'no such user', answer: '550' }, by);
    assert.ok(refused.became === 'UNKNOWN');
    assert.equal(refused.lookAfterMs, 10_000);
    const from = (found: readonly Found[]): EntryOutcome => looks(found, by, MINUTE_MS, refused);
    assert.equal(from(['notSent', 'sent']).became, 'SENT');
    assert.deepEqual(from(['notSent', 'notSent', 'notSent']), {
      became: 'FAILED',
      error: 'no such user It was looked for, and was not there.',
    });
    const aside = from([null, null, null, null]);
    assert.equal(aside.became === 'UNKNOWN' && aside.lookAfterMs, null);
  });

  it('is FAILED in no order of tries and looks unless it was not there, and again in doubt only by its sender', () => {
    const steps = fc.array(
      fc.constantFrom<TryEnd['end'] | 'sent there' | 'not there' | 'nobody looked'>(
        ...(['failed', 'refused', 'returned', 'unknown', 'unknown', 'not there', 'not there'] as const),
        'nobody looked',
      ),
      { maxLength: 14 },
    );
    const senders = fc.constantFrom<[boolean, InDoubt]>(
      ...(['aside', 'again', 'againIfNotThere'] as const).flatMap((inDoubt): [boolean, InDoubt][] => [
        [true, inDoubt],
        [false, inDoubt],
      ]),
    );
    fc.assert(
      fc.property(steps, senders, (all, [canLook, inDoubt]) => {
        const by = canLook ? looking(inDoubt) : sender({ inDoubt: () => inDoubt });
        // What the ledger keeps of it.
        let [state, tries, looked, kept, error] = ['QUEUED', 0, 0, false, null as string | null];
        let [isInDoubt, missed] = [false, 0];
        for (const one of all) {
          let outcome: EntryOutcome;
          if (state === 'UNKNOWN') {
            const found = one === 'not there' ? 'notSent' : null;
            if (found) missed++;
            const known = {
              tries: ++looked,
              ageMs: MINUTE_MS,
              request: {},
              lastError: error,
              lastAnswer: null,
            };
            outcome = afterLook(known, canLook ? found : undefined, by);
            if (outcome.became === 'QUEUED')
              assert.ok(inDoubt === 'again' || (missed >= 2 && inDoubt !== 'aside'));
          } else {
            const why = 'refused' as const;
            const ends: Readonly<Record<string, TryEnd>> = {
              failed: { end: 'failed', error: 'not now', why },
              refused: { end: 'refused', error: 'no' },
              returned: { end: 'returned', error: 'later', afterMs: 0 },
              unknown: { end: 'unknown', error: 'cut off' },
            };
            const told = ends[one];
            if (!told) continue;
            outcome = afterTry({ ...tried(++tries, tries - 1), mayHaveArrived: kept }, told, by, () => 0);
            if (one === 'unknown') [isInDoubt, missed] = [true, 0];
            looked = 0;
          }
          assert.ok(outcome.became !== 'FAILED' || !isInDoubt || missed >= 2, 'FAILED, and may have arrived');
          if (outcome.became === 'UNKNOWN') kept = true;
          if (outcome.became === 'QUEUED') kept = outcome.mayHaveArrived ?? kept;
          state = outcome.became;
          error = 'error' in outcome ? outcome.error : null;
          if (state === 'UNKNOWN' && outcome.became === 'UNKNOWN' && outcome.lookAfterMs === null) return;
          if (state === 'SENT' || state === 'FAILED') return;
        }
      }),
    );
  });
});

describe('an entry that was looked for', () => {
  it('was sent, if it is there', () => {
    assert.equal(looks(['sent'], looking()).became, 'SENT');
    assert.equal(looks(['notSent', 'sent'], looking()).became, 'SENT');
  });

  it('is looked for three times, over 6 min, before anything is made of it that it is not there', () => {
    const first = looks(['notSent'], looking('again'));
    assert.equal(first.became === 'UNKNOWN' && first.lookAfterMs, MINUTE_MS);
    const second = looks(['notSent', 'notSent'], looking('again'));
    assert.equal(second.became === 'UNKNOWN' && second.lookAfterMs, 5 * MINUTE_MS);
    for (const inDoubt of ['again', 'againIfNotThere'] as const)
      assert.equal(delayOf(looks(['notSent', 'notSent', 'notSent'], looking(inDoubt))), 0);
    const aside = looks(['notSent', null, 'notSent'], looking());
    assert.equal(aside.became === 'UNKNOWN' && aside.lookAfterMs, null);
    assert.equal(looks(['notSent', 'notSent', 'sent'], looking('againIfNotThere')).became, 'SENT');
  });

  it('is never "not there" because nobody could look, and says once why', () => {
    const cannot = { cannot: 'the login is refused' };
    const by = looking('againIfNotThere');
    const aside = looks([cannot, cannot, null, cannot], by);
    assert.ok(aside.became === 'UNKNOWN' && aside.lookAfterMs === null, aside.became);
    assert.equal(
      aside.error,
      'cut off It could not be looked for: the login is refused. It may have arrived: look whether it did, then mark it as sent or send it again.',
    );
    // Once is not believed.
    assert.equal(looks([null, cannot, null, 'notSent'], by).became, 'UNKNOWN');
    assert.equal(looks(['notSent', null, cannot, cannot], by).became, 'UNKNOWN');
    assert.equal(looks(['notSent', cannot, cannot, 'notSent'], by).became, 'QUEUED');
    const then = looks(['notSent', cannot, 'notSent'], by);
    assert.ok(then.became === 'QUEUED' && then.error === 'cut off It was looked for, and was not there.');
  });

  it('is looked for after 10 s, 1 min, 5 min and 30 min, where nobody can say; then its sender decides', () => {
    const after = (count: number): number | null | string => {
      const outcome = looks(Array<null>(count).fill(null), looking());
      return outcome.became === 'UNKNOWN' ? outcome.lookAfterMs : outcome.became;
    };
    assert.deepEqual([1, 2, 3, 4].map(after), [MINUTE_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, null]);
    assert.equal(looks([null, null, null, null], looking('again')).became, 'QUEUED');
  });

  it('is left to its sender at once, where its kind cannot be looked for', () => {
    assert.equal(looks([undefined], sender({ inDoubt: () => 'again' })).became, 'QUEUED');
    const aside = looks([undefined], sender());
    assert.equal(aside.became === 'UNKNOWN' && aside.lookAfterMs, null);
  });

  it('is not waited for where its sender says that this one cannot be looked for', () => {
    const by = { ...looking('again'), canLook: () => false };
    const end: TryEnd = { end: 'unknown', error: 'cut off' };
    assert.equal(afterTry(tried(1), end, by).became, 'QUEUED');
    const aside = afterTry(tried(1), end, { ...by, inDoubt: () => 'aside' });
    assert.equal(aside.became === 'UNKNOWN' && aside.lookAfterMs, null);
  });

  it('is not sent again for longer than a day', () => {
    const outcome = looks(['notSent', 'notSent', 'notSent'], looking('again'), 86_400_001);
    assert.equal(outcome.became === 'UNKNOWN' && outcome.lookAfterMs, null);
  });

  it('keeps what it had failed with, within what is kept', () => {
    const known = {
      tries: 1,
      ageMs: 0,
      request: {},
      lastError: 'x'.repeat(MOST_ENTRY_TEXT),
      lastAnswer: null,
    };
    const outcome = afterLook(known, 'notSent', looking());
    assert.ok(outcome.became === 'UNKNOWN' && outcome.error.length === MOST_ENTRY_TEXT);
    assert.ok(outcome.error.startsWith('xxx') && outcome.error.endsWith('was not there.'));
  });
});
