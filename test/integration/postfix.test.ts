// Mails to a real Postfix: what it takes, what it refuses, and what it has where the wire to it is cut at random.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { readAnswer } from '../../engine/outbox/mail/smtp-answer';
import type { TryEnd } from '../../engine/outbox/sender';
import { hasPostfix } from '../../tools/postfix.mjs';
import { MOST_BYTES, Postfix } from '../support/postfix';
import { dueMail, loginAt, requestAt, senderFor, Tried, wordsOf } from '../support/smtp-sending';
import { Wire } from '../support/wire';

const CUTS = 100;
const AT_ONCE = 8;
/** Of a dialogue with a small mail, in octets. */
const OF_CLIENT = 900;
const OF_SERVER = 420;

function whyNot(): string | false {
  if (!hasPostfix()) return 'Postfix is not here; "npm test" fetches it on Debian and Ubuntu';
  return process.getuid?.() !== 0 && 'Postfix runs as root only';
}

describe('a real Postfix', { timeout: 5 * 60_000, skip: whyNot() }, () => {
  let postfix: Postfix;
  let wire: Wire;
  before(async () => {
    postfix = await Postfix.start();
    wire = await Wire.to(() => postfix.port);
  });
  after(async () => {
    wire.dispose();
    await postfix.dispose();
  });

  const login = (): ReturnType<typeof loginAt> => loginAt(wire.port, { user: '', proof: null });

  it('has each mail once, over one connection', async () => {
    const sender = senderFor(login());
    const connections = wire.connections;
    const entries = [];
    for (const size of [0, 10, 70_000, 1_000_000]) {
      const entry = await dueMail(requestAt(wire.port), { text: 'a line\r\n.\r\n'.repeat(size / 10) });
      const end = await sender.send(entry, new Tried());
      assert.ok(end.end === 'sent', wordsOf(end));
      assert.match(end.answer, /^250 2\.0\.0 Ok: queued as \w+$/);
      entries.push(entry);
    }
    assert.equal(wire.connections - connections, 1);
    await sender.close();
    const delivered = await postfix.delivered();
    for (const { messageId } of entries) assert.equal(delivered.get(messageId!), 1);
  });

  it('refuses recipients, mails that are too large, and what it is not for', async () => {
    const send = async (draft: Parameters<typeof dueMail>[1], refusals = 0): Promise<TryEnd> => {
      const sender = senderFor(login());
      const end = await sender.send(
        await dueMail(requestAt(wire.port), draft, { tries: refusals + 1, refusals }),
        new Tried(),
      );
      await sender.close();
      return end;
    };
    const some = await send({ to: 'bob@example.com, nobody@example.com, carl@example.com' });
    assert.ok(some.end === 'sent', wordsOf(some));
    assert.deepEqual(
      readAnswer(some.answer).refused.map(({ address }) => address),
      ['nobody@example.com'],
    );
    assert.equal((await send({ to: 'nobody@example.com' })).end, 'refused');
    assert.equal((await send({ to: 'ann@elsewhere.example' })).end, 'refused', 'it is no relay');
    assert.equal((await send({ to: 'bob@example.com, later@example.com' })).end, 'failed');
    assert.equal((await send({ to: 'bob@example.com, later@example.com' }, 2)).end, 'sent');
    const large = await send({ text: 'x'.repeat(MOST_BYTES + 1) });
    assert.ok(large.end === 'refused');
    assert.match(large.error, /as large as this one/);
  });

  it(`is cut off ${CUTS} times: what failed it has not, what was sent it has once`, async () => {
    wire.cuts = () => {
      const of = randomInt(2) === 0 ? 'client' : 'server';
      return { of, octets: randomInt(of === 'client' ? OF_CLIENT : OF_SERVER), silently: randomInt(8) === 0 };
    };
    const told = new Map<string, TryEnd>();
    let left = CUTS;
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (left-- > 0) {
          const sender = senderFor(login(), { connect: 5_000, command: 3_000, answer: 3_000 });
          const entry = await dueMail(requestAt(wire.port));
          told.set(entry.messageId!, await sender.send(entry, new Tried()));
          await sender.close();
        }
      }),
    );
    wire.cut();
    const delivered = await postfix.delivered();
    const seen: Record<string, number> = { sent: 0, failed: 0, unknown: 0 };
    for (const [messageId, end] of told) {
      const there = delivered.get(messageId) ?? 0;
      if (end.end === 'sent') assert.equal(there, 1);
      else if (end.end === 'failed') assert.equal(there, 0, wordsOf(end));
      else assert.ok(end.end === 'unknown' && there <= 1, wordsOf(end));
      seen[end.end] = (seen[end.end] ?? 0) + 1;
    }
    for (const [kind, count] of Object.entries(seen))
      assert.ok(count > 0, `${kind}: ${JSON.stringify(seen)}`);
  });
});
