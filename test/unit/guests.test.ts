// Who listens in other processes is read for, too; and whose reading cannot be compiled here is told so where it listens.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { ReadSubscription } from '../../engine/ledger/readings';
import type { SourceKey } from '../../engine/ledger/sources';
import { Guests } from '../../engine/source/guests';
import { UncompiledReadings } from '../../engine/source/uncompiled';
import { until } from '../support/until';
import { silentLog } from '../support/log';

const HOUR = 3_600_000;
const source: SourceKey = { kind: 'imap', account: 'ann@mail.example', mailbox: 'INBOX' };

const read = (id: number, form = 1): ReadSubscription => ({
  ...{ id, sourceId: 9, source, workflowId: 'w', nodeId: `n${id}`, nodeName: `Trigger ${id}` },
  ...{ placed: true, createdAt: 0, served: true, lastSuccessAt: null, reading: { v: form } },
  settings: { afterSuccess: null, whenDead: null } as ReadSubscription['settings'],
});

describe('a reading that cannot be compiled here', () => {
  const scene = (): {
    readonly uncompiled: UncompiledReadings;
    readonly told: string[];
    readonly lines: readonly string[];
    readonly pass: (ms: number) => void;
  } => {
    let now = 0;
    const told: string[] = [];
    const lines: string[] = [];
    const log = { ...silentLog, warn: (line: string) => void lines.push(line) };
    const complain = (id: number, said: string): void => void told.push(`${id}: ${said}`);
    return {
      uncompiled: new UncompiledReadings({ log, complain }, () => now),
      ...{ told, lines },
      pass: (ms) => void (now += ms),
    };
  };

  it('is told to its trigger while this process reads the source, as long as it is so', () => {
    const { uncompiled, told, lines, pass } = scene();
    const newer = new Error('It is newer. Update the package here.');
    for (let minutes = 0; minutes < 5; minutes++) uncompiled.failed(read(1), newer, false);
    assert.deepEqual(told, [], 'another process may read it for the trigger');
    for (let hours = 0; hours < 48; hours++) {
      uncompiled.failed(read(1), newer, true);
      pass(HOUR);
    }
    assert.equal(lines.length, 1);
    assert.equal(told.length, 4, 'a complaint counts for a day');
    assert.equal(
      told[0],
      '1: The process that reads the mailbox "INBOX" of ann@mail.example cannot do so for this trigger, so no new mail of it ' +
        'runs. It says: It is newer. Update the package here.',
    );
  });

  it('is told anew where it is another one, or where it was read meanwhile', () => {
    const { uncompiled, told, lines } = scene();
    uncompiled.failed(read(1), new Error('one'), true);
    uncompiled.failed(read(2), new Error('one'), true);
    uncompiled.failed(read(1), new Error('two'), true);
    uncompiled.over(1);
    uncompiled.failed(read(1), new Error('two'), true);
    assert.equal(told.length, 4);
    assert.equal(lines.length, 4);
  });
});

describe('the guests of a source', () => {
  it('are those whose readings can be compiled; the others keep nobody from their mail', async () => {
    const complaints: number[] = [];
    let readings = [read(1), read(2, 2)];
    let isHeld = false;
    let call = (): void => assert.fail('nobody listens');
    const guests = new Guests<string, string>({
      ledger: {
        readings: () => Promise.resolve(readings),
        complain: ({ subscriptionId }) => {
          complaints.push(subscriptionId);
          return Promise.resolve();
        },
      },
      wake: { listen: (_, called) => ((call = called), () => undefined) },
      log: silentLog,
      compile: ({ reading }) => {
        if (reading.v > 1) throw new Error('It is newer.');
        return 'compiled';
      },
    });
    let changes = 0;
    const login = (): Promise<string> => Promise.resolve('login');
    const watched = guests.watch(source, { login, changed: () => (changes += 1), isHeld: () => isHeld });
    const idsOf = (): number[] => watched.besides([]).map(({ subscription }) => subscription.id);
    try {
      await until('the first is found', () => idsOf().length === 1, 10_000, 20);
      assert.deepEqual([idsOf(), complaints], [[1], []]);
      isHeld = true;
      await until('the other hears of it', () => complaints.length > 0, 10_000, 20);
      assert.deepEqual(complaints, [2]);
      readings = [read(1), read(2)];
      call();
      await until('both are read', () => idsOf().length === 2, 10_000, 20);
      assert.equal(changes, 2);
    } finally {
      watched.close();
      await setTimeout();
    }
  });
});
