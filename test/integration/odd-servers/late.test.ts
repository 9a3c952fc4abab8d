// Servers that have IDLE and announce new mail late, or never: mails are found sooner once that was seen, and a server that
// announces is asked no more often than before.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { monotonicNow } from '../../../engine/runtime/time';
import { until } from '../../support/until';
import type { Joined } from '../../support/watching';
import { WatchedScript } from '../../support/scripted-imap/watched';

const SECOND = 1_000;
const HEARTBEAT = 8 * SECOND;
/** As by default, in a shorter time. */
const TIMES = { heartbeatMs: HEARTBEAT, soonerMs: [4 * SECOND, 2 * SECOND], pollMs: 4 * SECOND } as const;

const asked = ({ server }: WatchedScript): number =>
  server.commands.filter((command) => command === 'NOOP').length;

/** One mail arrives in the middle of a wait. @returns how long it took to be found, ms */
async function foundAfter(scene: WatchedScript, share: number): Promise<number> {
  await until('it is waited for', () => scene.server.idling === 1);
  await new Promise((resolve) => setTimeout(resolve, share * 1.5 * SECOND));
  const arrived = monotonicNow();
  await scene.oneMore();
  return monotonicNow() - arrived;
}

async function learns(scene: WatchedScript): Promise<void> {
  scene.server.announces = false;
  for (let mail = 0; mail < 2; mail++) await scene.oneMore();
}

describe('a server that announces late', { concurrency: 99, timeout: 3 * 60_000 }, () => {
  it('is looked at sooner, so that mails are found in a quarter of the time, and later again once it announces', async () => {
    await WatchedScript.with({ times: TIMES }, async (scene) => {
      await learns(scene);
      const late: number[] = [];
      for (const share of [0, 0.25, 0.5, 0.75, 1]) late.push(await foundAfter(scene, share));
      late.sort((a, b) => a - b);
      assert.ok(late[2]! < 2 * SECOND, `half of them after ${late.join(', ')} ms`);

      scene.server.announces = true;
      for (let mail = 0; mail < 6; mail++) await foundAfter(scene, 0);
      const before = asked(scene);
      await new Promise((resolve) => setTimeout(resolve, 2 * HEARTBEAT));
      assert.ok(asked(scene) - before <= 3, `asked ${asked(scene) - before} times in two heartbeats`);
      assert.equal(scene.server.connections, 1);
    });
  });

  it('is looked at sooner also where it announces now and then, such as once a minute', async () => {
    await WatchedScript.with({ times: TIMES }, async (scene) => {
      await learns(scene);
      const minute = setInterval(() => scene.server.announce(), HEARTBEAT);
      try {
        const late: number[] = [];
        for (const share of [0.9, 0.1, 0.5, 0.3, 0.7]) late.push(await foundAfter(scene, share));
        late.sort((a, b) => a - b);
        assert.ok(late[2]! < 2 * SECOND, `half of them after ${late.join(', ')} ms`);
      } finally {
        clearInterval(minute);
      }
    });
  });

  it('is looked at as often as a person chose, whatever it announces', async () => {
    const join = { reading: { heartbeatMs: HEARTBEAT } };
    await WatchedScript.with({ times: TIMES, join }, async (scene) => {
      await learns(scene);
      const before = asked(scene);
      await new Promise((resolve) => setTimeout(resolve, 1.5 * HEARTBEAT));
      assert.ok(
        asked(scene) - before <= 2,
        `asked ${asked(scene) - before} times in one and a half heartbeats`,
      );
    });
  });

  it('goes on being looked at sooner over another connection', async () => {
    await WatchedScript.with({ times: TIMES }, async (scene) => {
      await learns(scene);
      scene.server.breakOff();
      await until('it is watched again', () => scene.server.connections === 2 && scene.server.idling === 1);
      const after = await foundAfter(scene, 0.5);
      assert.ok(after < 3 * SECOND, `${after} ms`);
    });
  });
});

describe('a server that announces', { concurrency: 99, timeout: 3 * 60_000 }, () => {
  it('is asked no more often for its mails', async () => {
    await WatchedScript.with({ times: TIMES }, async (scene) => {
      const before = asked(scene);
      for (let mail = 0; mail < 10; mail++) await foundAfter(scene, 0.1);
      const began = monotonicNow();
      await new Promise((resolve) => setTimeout(resolve, 2 * HEARTBEAT));
      const most = Math.ceil((monotonicNow() - began) / (HEARTBEAT * 0.85)) + 1;
      assert.ok(asked(scene) - before <= most, `${asked(scene) - before} times`);
    });
  });

  it('finds mailboxes beyond the connections in their turn, by as many commands, whatever is not announced', async () => {
    const times = { ...TIMES, soonerMs: [SECOND / 2, SECOND / 4] } as const;
    await WatchedScript.with(
      { times, mailboxes: ['INBOX', 'Orders', 'Support'], isPolled: true },
      async (scene) => {
        const one = { ...scene.server.login(), mostConnections: 1 };
        const others: Joined[] = [];
        for (const mailbox of ['Orders', 'Support'])
          others.push(await scene.watching.join(one, { mailbox, nodeId: mailbox }));
        try {
          await until('all share one connection', () => scene.server.idling === 1);
          await learns(scene);
          const opened = (): number =>
            scene.server.commands.filter((each) => each.startsWith('EXAMINE')).length;
          const before = opened();
          await new Promise((resolve) => setTimeout(resolve, 3 * TIMES.pollMs));
          const rounds = (opened() - before) / 3;
          assert.ok(rounds >= 2 && rounds <= 5, `${rounds} rounds`);
        } finally {
          for (const { leave } of others) await leave();
        }
      },
    );
  });
});
