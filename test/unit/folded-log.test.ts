// What is said again and again becomes one line a minute; nothing that is another fault is left out.
import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import * as fc from 'fast-check';
import { foldRepeats } from '../../engine/runtime/folded-log';
import type { Log } from '../../engine/runtime/log';
import { log as hostLog } from '../../nodes/host/n8n/log';
import { LoggerProxy } from 'n8n-workflow';

const MINUTE = 60_000;

function noted(): { readonly lines: string[]; readonly log: Log } {
  const lines: string[] = [];
  const note = (message: string): void => void lines.push(message);
  return { lines, log: { debug: note, info: note, warn: note, error: note } };
}

describe('a log that folds repeats', () => {
  it('writes the first line at once, and how many there were after a minute', () => {
    mock.timers.enable({ apis: ['setInterval'] });
    const { lines, log } = noted();
    const folded = foldRepeats(log);
    for (let i = 0; i < 200; i++) folded.error('The database is away');
    folded.error('The disk is full');
    folded.info('hello');
    folded.info('hello');
    assert.deepEqual(lines.splice(0), ['The database is away', 'The disk is full', 'hello', 'hello']);
    mock.timers.tick(MINUTE);
    assert.deepEqual(lines.splice(0), ['The database is away (and 198 times more in the last minute)']);
    mock.timers.tick(2 * MINUTE);
    folded.error('The database is away');
    assert.deepEqual(lines, ['The database is away'], 'a new outage is told at once');
    mock.timers.reset();
  });

  it('accounts for every line, whatever comes when', () => {
    const step = fc.record({ fault: fc.nat(3), waitMs: fc.nat(40_000) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        mock.timers.enable({ apis: ['setInterval'] });
        const { lines, log } = noted();
        const folded = foldRepeats(log);
        for (const { fault, waitMs } of steps) {
          folded.warn(`fault ${fault}`);
          mock.timers.tick(waitMs);
        }
        mock.timers.tick(2 * MINUTE);
        mock.timers.reset();
        for (const fault of [0, 1, 2, 3]) {
          const counted = lines
            .filter((line) => line.startsWith(`fault ${fault}`))
            .reduce((sum, line) => sum + 1 + Number(/and (\d+) times/.exec(line)?.[1] ?? 0), 0);
          assert.equal(counted, steps.filter((each) => each.fault === fault).length);
        }
      }),
    );
  });

  it('in an outage of the ledger has one line for all who tell of it', () => {
    mock.timers.enable({ apis: ['setInterval'] });
    const { lines, log } = noted();
    LoggerProxy.init(log as never);
    const away = 'Postgres at db:5432/x cannot be reached (ECONNREFUSED).';
    for (let i = 0; i < 50; i++) {
      hostLog.error(`The trigger ${i} is not listening: ${away}`);
      hostLog.error(`Due mail cannot be handed out for now: ${away}`);
    }
    hostLog.error('Due mail cannot be handed out for now: Postgres at db:5432/x has no space left.');
    assert.equal(lines.length, 2, lines.join('\n'));
    mock.timers.reset();
  });
});
