// Connections to a mail server that are cut, or fall silent, at random octets of either side: what the sender says is counted
// against what the server has. A mail that it has is never called failed; one that was called sent, it has once.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { TryEnd } from '../../engine/outbox/sender';
import { FaultySmtp } from '../support/smtp';
import { until } from '../support/until';
import type { Cut } from '../support/wire';
import { dueMail, loginAt, requestAt, senderFor, Tried, wordsOf } from '../support/smtp-sending';

/** `DURABLE_MAIL_CUTS=5000` for more of them. */
const CUTS = Number(process.env['DURABLE_MAIL_CUTS'] ?? 400);
const AT_ONCE = 20;
/** Of a dialogue with a small mail, in octets: so it is cut in each part of it. */
const OF_CLIENT = 900;
const OF_SERVER = 420;

/** What was said of a mail, try for try. */
interface Told {
  readonly messageId: string;
  readonly ends: TryEnd[];
}

describe('connections that are cut at random', () => {
  let smtp: FaultySmtp;
  before(async () => (smtp = await FaultySmtp.start()));
  after(() => smtp.stop());

  it(`${CUTS} times: nothing is called failed that the server has, and nothing is sent twice`, async () => {
    smtp.wire.cuts = randomCut;
    const mails: Told[] = [];
    let left = CUTS;
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (left-- > 0) mails.push(...(await someMails(smtp)));
      }),
    );
    // What was under way may still have arrived.
    smtp.wire.cut();
    await until('the server has seen the end of all connections', () => smtp.served === 0);
    const seen: Record<string, number> = { sent: 0, failed: 0, unknownThere: 0, unknownNotThere: 0 };
    for (const mail of mails) {
      const kind = checked(mail, smtp.count(mail.messageId));
      seen[kind] = (seen[kind] ?? 0) + 1;
    }
    // Each kind was there: else the cuts were not where they had to be.
    for (const [kind, count] of Object.entries(seen))
      assert.ok(count > 0, `${kind}: ${JSON.stringify(seen)}`);
    assert.ok(smtp.struck > CUTS / 4);
  });
});

/** One, tried again once where it failed; after one that was sent another, over the same connection. */
async function someMails(smtp: FaultySmtp): Promise<readonly Told[]> {
  const sender = senderFor(loginAt(smtp.port), { connect: 4_000, command: 1_500, answer: 1_500 });
  const large = randomInt(4) === 0 ? { text: 'line\r\n'.repeat(randomInt(40_000)) } : {};
  const [first, second] = [await dueMail(requestAt(smtp.port), large), await dueMail(requestAt(smtp.port))];
  const ends = [await sender.send(first, slowly())];
  if (ends[0]!.end === 'failed') ends.push(await sender.send({ ...first, tries: 2 }, slowly()));
  const told = [{ messageId: first.messageId!, ends }];
  if (ends[0]!.end === 'sent')
    told.push({ messageId: second.messageId!, ends: [await sender.send(second, slowly())] });
  await sender.close();
  return told;
}

/** @param there how often the server has it, at the end of all */
function checked({ ends }: Told, there: number): string {
  const last = ends.at(-1)!;
  const told = ends.map((end) => `${end.end}: ${wordsOf(end)}`).join('; ');
  for (const { end } of ends) assert.ok(['sent', 'failed', 'unknown'].includes(end), told);
  if (last.end === 'sent') assert.equal(there, 1, `sent, and there ${there} times: ${told}`);
  if (last.end === 'failed') assert.equal(there, 0, `failed, and there: ${told}`);
  assert.ok(there <= 1, `there ${there} times: ${told}`);
  return last.end === 'unknown' ? (there > 0 ? 'unknownThere' : 'unknownNotThere') : last.end;
}

/** The ledger takes its time: cuts come in there, too. */
function slowly(): Tried {
  const tried = new Tried();
  tried.mayHandOver = async () => {
    await new Promise((resolve) => setTimeout(resolve, randomInt(20)));
    return true;
  };
  return tried;
}

function randomCut(): Cut {
  const of = randomInt(2) === 0 ? 'client' : 'server';
  const octets = of === 'server' ? randomInt(OF_SERVER) : randomInt(randomInt(5) === 0 ? 100_000 : OF_CLIENT);
  return { of, octets, silently: randomInt(8) === 0 };
}
