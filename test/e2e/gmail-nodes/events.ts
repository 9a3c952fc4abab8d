// What starts a workflow with the Durable Gmail Trigger: labels that are added, mails that are sent, stars.
import assert from 'node:assert/strict';
import { assertWhole } from '../../support/gmail-in-n8n';
import { until } from '../../support/until';
import { type Does, PATIENCE_MS, postWhole } from './scenario';

export function events(does: Does): void {
  does('runs once for each mail and chosen label that it is given', async (life) => {
    const { account } = life;
    const [orders, urgent, other] = ['Orders', 'Urgent', 'Other'].map((name) => account.label(name)) as [
      string,
      string,
      string,
    ];
    const id = await life.publish({
      parameters: { event: 'labelAdded', eventLabels: [orders, urgent] },
      posting: postWhole,
    });
    const first = account.deliver({ subject: 'first' });
    account.addLabels(first, orders, other);
    account.addLabels(first, urgent);
    account.removeLabels(first, orders);
    account.addLabels(account.deliver({ subject: 'never' }), other);
    const second = account.deliver({ subject: 'filtered', labels: ['INBOX', orders] });
    await until('three runs', () => life.items(id).length === 3, PATIENCE_MS);
    account.addLabels(first, orders);
    const last = account.deliver({ subject: 'last' });
    account.addLabels(last, urgent);
    await until('the last has run', () => life.items(id).some((item) => item['id'] === last), PATIENCE_MS);
    const runs = life.items(id).map(({ id: mail, event, addedLabels }) => ({ mail, event, addedLabels }));
    const [order, urge] = [[{ id: orders, name: 'Orders' }], [{ id: urgent, name: 'Urgent' }]];
    assert.deepEqual(
      new Set(runs.map((run) => JSON.stringify(run))),
      new Set(
        [
          { mail: first, event: 'labelAdded', addedLabels: order },
          { mail: first, event: 'labelAdded', addedLabels: urge },
          { mail: second, event: 'labelAdded', addedLabels: order },
          { mail: last, event: 'labelAdded', addedLabels: urge },
        ].map((run) => JSON.stringify(run)),
      ),
    );
    assert.equal(runs.length, 4);
    assert.equal((await life.events(id)).length, 4, 'nothing more was recorded');
  });

  does('runs for mails that the account sends, at once or as scheduled', async (life) => {
    await life.publish({ parameters: { event: 'messageSent' } });
    const { account } = life;
    account.deliver({ subject: 'received' });
    account.draft({ subject: 'a draft' });
    account.schedule({ subject: 'still waits' });
    const scheduled = account.schedule({ subject: 'later' });
    const sent = account.send({ subject: 'at once' });
    account.sendScheduled(scheduled);
    life.expect([sent, scheduled]);
    assertWhole(await life.tally());
  });

  does('runs for mails that are given a star', async (life) => {
    const id = await life.publish({ parameters: { event: 'starred' }, posting: postWhole });
    const { account } = life;
    const starred = account.deliver({ subject: 'starred' });
    const important = account.deliver({ subject: 'important' });
    account.addLabels(important, 'IMPORTANT');
    account.star(starred);
    life.expect([starred]);
    assertWhole(await life.tally());
    const [{ event, addedLabels }] = life.items(id) as [Record<string, unknown>];
    assert.deepEqual([event, addedLabels], ['starred', [{ id: 'STARRED', name: 'STARRED' }]]);
  });
}
