// A trigger that reads only where no collector does, and a collector that hears nothing of the mail server any more: it lives, it holds
// the mailboxes, and nothing has broken.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Dovecot } from '../support/dovecot';
import { rawMail } from '../support/mails';
import { ManyProcess, Way } from '../support/many/many';
import { PostgresServer } from '../support/postgres';
import { until } from '../support/until';

const DEADLINE_MS = 90_000;
const USERS = ['ann', 'bob', 'cleo'];

describe('a trigger that is a reserve', { timeout: 5 * 60_000 }, () => {
  it('reads what a collector is cut off from', async () => {
    const dovecot = await Dovecot.start();
    const postgres = await PostgresServer.start({ fsync: false });
    const ledger = await postgres.createDatabase();
    const way = await new Way(dovecot.port).begin();
    const processes: ManyProcess[] = [];
    try {
      for (const user of USERS) await (await dovecot.client(user)).logout();
      const logins = USERS.map((user) => dovecot.login(user));
      const start = (
        name: string,
        task: Partial<ConstructorParameters<typeof ManyProcess>[0]>,
      ): ManyProcess => {
        const all = { name, kind: 'trigger' as const, ledger, logins };
        const direct = { from: dovecot.port, to: dovecot.port };
        const environment = { DURABLE_MAIL_TAKEOVER_SECONDS: '9' };
        const started = new ManyProcess({ ...all, way: direct, ...task }, environment);
        processes.push(started);
        return started;
      };
      const reading = async (): Promise<number[]> => {
        const rows = (await postgres.query(
          new URL(ledger).pathname.slice(1),
          `select holder from durable_mail.source where connection in ('idling', 'polling') and holder is not null`,
        )) as unknown as { holder: string }[];
        return rows.map(({ holder }) => Number(holder.split(':')[1]));
      };
      const reads = (one: ManyProcess): Promise<unknown> =>
        until(
          `${one.name} reads all`,
          async () => (await reading()).filter((pid) => pid === one.pid).length === USERS.length,
          DEADLINE_MS,
        );
      const reserve = start('n8n', { readBy: 'reserve' });
      await reads(reserve);
      const collector = start('collector', { kind: 'collector', way: { from: dovecot.port, to: way.port } });
      await reads(collector);
      way.be('stalled');
      for (const user of USERS) await dovecot.deliver(user, [rawMail({ subject: `for ${user}` })]);
      await reads(reserve);
      await until('all have run', () => reserve.of('ran').length === USERS.length, DEADLINE_MS);
      way.be('open');
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      const ran = reserve.of('ran');
      assert.equal(new Set(ran).size, ran.length, 'none ran twice');
      assert.equal(ran.length, USERS.length);
    } finally {
      for (const one of processes) await one.end('SIGKILL');
      way.end();
      await Promise.all([dovecot.dispose(), postgres.dispose()]);
    }
  });
});
