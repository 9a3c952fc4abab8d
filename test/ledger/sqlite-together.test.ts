// Short calls of a SQLite ledger that come at once are done as one transaction.
// Invariant: what each says, and what is stored in the end, is as if they had been asked one after the other.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { Ledger } from '../../engine/ledger/ledger';
import type { Pointer } from '../../engine/ledger/pointer';
import { openHere } from '../../engine/ledger/sqlite/here';
import { openSqliteLedger } from '../../engine/ledger/sqlite/sqlite-ledger';
import { noPreload } from '../support/preload';
import { Traffic } from '../support/slow-disk/ledger-holds';
import { type SlowDisk, slowDisk } from '../support/slow-disk/slow-disk';
import { newEntry } from './contract/outbox';

const MAILS = 6;
const LEASE_MS = 600_000;
const ROUNDS = 60;

let folder: string;
let files = 0;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'durable-mail-together-'));
});
after(() => rm(folder, { recursive: true }));

const newFile = (): string => join(folder, `${++files}.sqlite`);

/** What a ledger is asked, and of what it says what does not depend on ids and times. */
type Ask = (ledger: Ledger, mails: readonly Pointer[], traffic: Traffic) => Promise<unknown>;

interface Asked {
  readonly name: string;
  readonly ask: Ask;
}

const mail = fc.nat({ max: MAILS - 1 });
const holder = fc.constantFrom('run 1', 'run 2', 'run 3');
const key = fc.constantFrom('a', 'b', 'c');
const named = (name: string, ask: Ask): Asked => ({ name, ask });

const asked: fc.Arbitrary<Asked> = fc.oneof(
  fc
    .tuple(mail, fc.constantFrom(1, 1, 1, 2))
    .map(([place, attempt]) =>
      named(`claim ${place}, attempt ${attempt}`, async (ledger, mails) =>
        (await ledger.claim([{ ...mails[place]!, attempt }], 'execution', LEASE_MS)).map(
          ({ subject, content }) => [subject, content?.length],
        ),
      ),
    ),
  fc
    .tuple(mail, fc.boolean())
    .map(([place, well]) =>
      named(`settle ${place} ${well}`, async (ledger, mails) =>
        (
          await ledger.settle(
            [mails[place]!],
            well ? { kind: 'success' } : { kind: 'failure', error: 'it broke' },
          )
        ).map(({ state }) => state),
      ),
    ),
  mail.map((place) =>
    named(
      `release ${place}`,
      async (ledger, mails) => (await ledger.release([mails[place]!], 'n8n said no')).length,
    ),
  ),
  fc.tuple(holder, key, fc.constantFrom('atOnce', 'onSuccess', 'anyway')).map(([who, what, finish]) =>
    named(`takeKeys ${who} ${what} ${finish}`, async (ledger) => [
      ...(await ledger.takeKeys({
        ...{ keys: [what], holder: who, leaseMs: LEASE_MS, finish, keepMs: null },
      })),
    ]),
  ),
  fc
    .tuple(holder, key, mail)
    .map(([who, what, place]) =>
      named(`finishKeys ${who} ${what}`, (ledger, mails) =>
        ledger.finishKeys(
          who,
          [what],
          [{ key: what, event: mails[place]!.event, packed: Buffer.from(`answer of ${place}`) }],
        ),
      ),
    ),
  fc
    .tuple(holder, fc.constantFrom('success', 'failure'))
    .map(([who, ended]) => named(`endKeys ${who} ${ended}`, (ledger) => ledger.endKeys(who, ended))),
  key.map((what) =>
    named(`enqueue ${what}`, async (ledger) =>
      (await ledger.enqueue([newEntry(what)])).map(({ state, subject }) => [state, subject]),
    ),
  ),
  // No one of them can be stored.
  key.map((what) =>
    named(`enqueue what has no lane, and ${what}`, (ledger) =>
      ledger.enqueue([newEntry(what), newEntry('broken', { lane: null as unknown as string })]).then(
        () => 'stored',
        (error: unknown) => String(error).replace(/The mail ledger .*[.]sqlite/, 'The mail ledger'),
      ),
    ),
  ),
  fc.constant(named('record', (_, __, traffic) => traffic.record(1).then(({ length }) => length))),
  fc.constant(
    named('event', async (ledger, mails) => (await ledger.event(mails[0]!.event))?.state ?? 'none'),
  ),
  fc.constant(
    named('heldKeys', async (ledger) =>
      (await ledger.heldKeys(['a', 'b', 'c'])).map(({ key: held }) => held).sort(),
    ),
  ),
);

/** @returns what was said, and what there is in the end */
async function said(
  ledger: Ledger,
  ask: (asking: readonly (() => Promise<unknown>)[]) => Promise<unknown[]>,
  questions: readonly Asked[],
): Promise<unknown> {
  const traffic = await Traffic.begin(ledger);
  await traffic.record(MAILS);
  const request = { subscriptionIds: [traffic.to.id], mostRuns: MAILS, mailsPerRun: 1, leaseMs: LEASE_MS };
  const { runs } = await ledger.offer(request);
  const mails = runs.flatMap(({ pointers }) => pointers);
  const answers = await ask(questions.map((question) => () => question.ask(ledger, mails, traffic)));
  const { events } = await ledger.events({}, { limit: 100 });
  const stored = {
    events: events.map(({ subject, state, failures }) => [subject, state, failures]).sort(),
    entries: (await ledger.entries({}, { limit: 100 })).entries.map(({ key: of }) => of).sort(),
    answers: [...(await ledger.keyAnswers(['a', 'b', 'c'], 10_000))]
      .map(([of, packed]) => [of, String(packed)])
      .sort(),
  };
  await ledger.close();
  return { answers, stored };
}

const atOnce = (asking: readonly (() => Promise<unknown>)[]): Promise<unknown[]> =>
  Promise.all(asking.map((ask) => ask()));

async function oneByOne(asking: readonly (() => Promise<unknown>)[]): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const ask of asking) answers.push(await ask());
  return answers;
}

describe('calls of a SQLite ledger that come at once', () => {
  it('say and store what they would one after the other, also where one of them cannot be done', () =>
    fc.assert(
      fc.asyncProperty(fc.array(asked, { minLength: 2, maxLength: 30 }), async (questions) => {
        const together = await said(await openSqliteLedger(newFile()), atOnce, questions);
        const { ledger } = await openHere(newFile());
        assert.deepEqual(
          together,
          await said(ledger, oneByOne, questions),
          questions.map(({ name }) => name).join('; '),
        );
      }),
      { numRuns: ROUNDS },
    ));

  it('do not wait for all of them where they take long', async () => {
    const ledger = await openSqliteLedger(newFile());
    const large = Buffer.alloc(8_000_000, 'a');
    const inTurn = new Set<number>();
    let turn = 0;
    const turning = setInterval(() => turn++, 0);
    const queue = async (name: string): Promise<void> => {
      const [entry] = await ledger.enqueue([newEntry(name, { content: large })]);
      assert.equal(entry!.key, name);
      inTurn.add(turn);
    };
    await Promise.all(Array.from({ length: 12 }, (_, index) => queue(`large ${index}`)));
    clearInterval(turning);
    await ledger.close();
    assert.ok(inTurn.size >= 3, `answered in ${inTurn.size} turns`);
  });

  describe('on a disk that takes 50 ms for each sync', { skip: noPreload }, () => {
    let disk: SlowDisk;
    before(async () => {
      disk = await slowDisk(50);
    });
    after(() => disk.dispose());

    it('take a few syncs, not one each', async () => {
      const script = join(__dirname, '..', 'support', 'slow-disk', 'runs-at-once.ts');
      const { oneByOneMs, atOnceMs } = await disk.run<{ oneByOneMs: number; atOnceMs: number }>(
        script,
        newFile(),
        '20',
      );
      assert.ok(atOnceMs < oneByOneMs / 3, `${atOnceMs} ms, one by one ${oneByOneMs} ms`);
    });
  });
});
