// What becomes of a mail in Gmail when its run has ended, and when its last try has failed; never before.
import assert from 'node:assert/strict';
import type { Sink } from '../../support/sink';
import { until } from '../../support/until';
import { become, labels, type Does, MORE_PATIENCE_MS, PATIENCE_MS } from './scenario';

/** A run that goes on until it is let go. */
function held(sink: Sink): { readonly letGo: () => void } {
  let letGo = (): void => undefined;
  const gone = new Promise<void>((resolve) => (letGo = resolve));
  sink.answer = () => gone.then(() => 200);
  return { letGo };
}

export function endings(does: Does): void {
  for (const [what, parameters, left] of [
    ['marks it read', { postProcessAction: 'read' }, ['INBOX', 'Label_1']],
    [
      'gives it labels',
      { postProcessAction: 'addLabels', successLabels: ['Label_2', 'STARRED'] },
      ['INBOX', 'Label_1', 'Label_2', 'STARRED', 'UNREAD'],
    ],
    [
      'takes labels from it',
      { postProcessAction: 'removeLabels', successLabels: ['Label_1'] },
      ['INBOX', 'UNREAD'],
    ],
    ['archives it', { postProcessAction: 'archive' }, ['Label_1', 'UNREAD']],
    ['moves it to the trash', { postProcessAction: 'trash' }, ['Label_1', 'TRASH', 'UNREAD']],
  ] as const) {
    does(`${what} when its run has succeeded, not before`, async (life) => {
      const { account } = life;
      const [todo] = [account.label('To Do'), account.label('Done')];
      const id = await life.publish({ parameters });
      const { letGo } = held(life.sink(id));
      const before = ['INBOX', todo, 'UNREAD'];
      const mail = account.deliver({ labels: before });
      await until('its run is under way', () => life.sink(id).deliveries.length === 1, PATIENCE_MS);
      assert.deepEqual(labels(life, mail), before.sort());
      letGo();
      await become(life, mail, [...left]);
    });
  }

  does('gives a mail its labels when its last try has failed, and tells people', async (life) => {
    const { account } = life;
    const failed = account.label('Failed');
    const id = await life.publish({
      parameters: { postProcessAction: 'read' },
      options: { retrySchedule: '1s', deadAction: 'addLabels', deadLabels: [failed] },
    });
    const seen: string[][] = [];
    life.sink(id).answer = ({ text }) => {
      seen.push(labels(life, text));
      return 500;
    };
    const mail = account.deliver({ subject: 'poison' });
    await become(life, mail, ['INBOX', 'UNREAD', failed]);
    assert.deepEqual(seen, [
      ['INBOX', 'UNREAD'],
      ['INBOX', 'UNREAD'],
    ]);
    const told = await life.isTold(id, /set aside as DEAD/);
    assert.ok(told.includes(`Gmail account ${account.address}`), 'in which account');
  });

  does('does what is to be done also when Gmail was away when the run ended', async (life) => {
    const { account } = life;
    const id = await life.publish({ parameters: { postProcessAction: 'archive' } });
    let away: ReturnType<typeof account.fail> | undefined;
    life.sink(id).answer = () => {
      away ??= account.fail('*', { reset: true, times: Infinity });
      return 200;
    };
    const mail = account.deliver();
    await until(
      'its run is settled',
      async () => (await life.events(id)).some(({ state }) => state === 'DONE'),
      PATIENCE_MS,
    );
    await until('it was tried', () => away!.struck >= 3, PATIENCE_MS);
    assert.deepEqual(labels(life, mail), ['INBOX', 'UNREAD']);
    away!.end();
    await become(life, mail, ['UNREAD'], MORE_PATIENCE_MS);
    assert.equal(life.sink(id).deliveries.length, 1, 'it ran once');
  });
}
