// How soon a mailbox is looked at unasked, by what its server was seen to announce: as a rule, and as a person would
// notice it, with servers that look at their mailboxes themselves.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Announcements, type Look } from '../../engine/imap/read/announcements';
import { LINE_TIMES } from '../../engine/imap/watch/pace';

const SECOND = 1_000;
const { heartbeatMs, soonerMs } = LINE_TIMES;

const looks = fc.array(
  fc.record({
    look: fc.constantFrom<Look>('announced', 'unasked', 'otherwise'),
    mails: fc.nat({ max: 3 }),
  }),
  { maxLength: 60 },
);

function look(announcements: Announcements, how: Look, mails = 1): number {
  announcements.looks(how);
  for (let mail = 0; mail < mails; mail++) announcements.found();
  return announcements.heartbeatMs(heartbeatMs, soonerMs);
}

describe('how soon a mailbox is looked at unasked', () => {
  it('is never changed by a server that announces all its mail, nor by mails that say nothing of it', () => {
    fc.assert(
      fc.property(looks, (all) => {
        const announcements = new Announcements();
        for (const { look: how, mails } of all)
          assert.equal(look(announcements, how === 'unasked' ? 'otherwise' : how, mails), heartbeatMs);
      }),
    );
  });

  it('is sooner after what was not announced, and later after what was, within the bounds', () => {
    fc.assert(
      fc.property(looks, fc.integer({ min: SECOND, max: 120 * SECOND }), (all, mostMs) => {
        const announcements = new Announcements();
        let before = announcements.heartbeatMs(mostMs, soonerMs);
        for (const { look: how, mails } of all) {
          look(announcements, how, mails);
          const wait = announcements.heartbeatMs(mostMs, soonerMs);
          assert.ok(wait <= mostMs && wait >= Math.min(mostMs, soonerMs[1]));
          if (mails === 0 || how === 'otherwise') assert.equal(wait, before);
          else if (how === 'unasked') assert.ok(wait <= Math.min(before, soonerMs[0]));
          else assert.ok(wait >= before);
          before = wait;
        }
        for (let mail = 0; mail < 6; mail++) look(announcements, 'announced');
        assert.equal(announcements.heartbeatMs(mostMs, soonerMs), mostMs, 'it announces again');
      }),
    );
  });

  it('is 15 s at the least, and 30 s at the most once a mail was not announced', () => {
    const announcements = new Announcements();
    const leastOfRound = 0.85;
    for (let mail = 0; mail < 3; mail++) {
      const wait = look(announcements, 'unasked');
      assert.ok(wait * leastOfRound >= 15 * SECOND && wait <= 30 * SECOND, `${wait} ms`);
    }
  });
});

/**
 * How late mails are found that arrive at random, one in five minutes on average, where the server looks at its mailbox
 * every so often. @returns the median, without the first ones, from which it is learnt
 */
function medianOf(looksEveryMs: number, arrivals: readonly number[]): { medianMs: number; looks: number } {
  const announcements = new Announcements();
  const late: number[] = [];
  let [now, learnt, count] = [0, 0, 0];
  for (const arrival of arrivals) {
    for (;;) {
      const wait = announcements.heartbeatMs(heartbeatMs, soonerMs) * 0.9;
      const announced = arrival <= now ? Infinity : Math.ceil(arrival / looksEveryMs) * looksEveryMs;
      const heartbeat = now + wait;
      count++;
      now = Math.min(heartbeat, announced);
      if (now < arrival) continue;
      look(announcements, now === announced ? 'announced' : 'unasked');
      if (learnt++ >= 3) late.push(now - arrival);
      break;
    }
  }
  late.sort((a, b) => a - b);
  return { medianMs: late[Math.floor(late.length / 2)]!, looks: (count * 60 * SECOND) / now };
}

describe('a mail is found', () => {
  const arrivals: number[] = [];
  let at = 0;
  // Fixed dice, so that it always goes the same way.
  for (let mail = 1, dice = 7; mail <= 400; mail++) {
    dice = (dice * 48_271) % 2_147_483_647;
    at += 20 * SECOND + (dice / 2_147_483_647) * 560 * SECOND;
    arrivals.push(at);
  }

  for (const [server, everyMs, mostMs] of [
    ['that never announces', Number.MAX_SAFE_INTEGER, 10],
    ['that looks once a minute', 60 * SECOND, 12],
    ['that looks every half a minute', 30 * SECOND, 12],
  ] as const) {
    it(`within ${mostMs} s by half of the tries on a server ${server}`, () => {
      const { medianMs } = medianOf(everyMs, arrivals);
      assert.ok(medianMs <= mostMs * SECOND, `${medianMs} ms`);
    });
  }

  it('at once on one that announces, which is asked no more often for it', () => {
    const { medianMs, looks } = medianOf(SECOND / 10, arrivals);
    assert.ok(medianMs <= SECOND / 10, `${medianMs} ms`);
    assert.ok(looks < 1.4, `${looks} a minute`);
  });
});
