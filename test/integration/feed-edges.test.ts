// Where a client may want to go on, however it says so, over HTTP and real ledgers: what can be gone on after is, without a hole;
// what cannot is told so, or refused in words; and whoever it was is told what comes from then on.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Console } from '../../engine/console/context';
import { rightsBy } from '../../engine/console/rights';
import type { Change } from '../../engine/ledger/changes';
import type { Ledger } from '../../engine/ledger/ledger';
import { openConsole } from '../../engine/instance/console';
import { PAGE, TOKENS } from '../support/console';
import { deadMails, listening } from '../support/console-mails';
import type { Heard } from '../support/feed/fake-client';
import { Follower } from '../support/feed/follower';
import { openAt } from '../support/feed/open-at';
import { silentLog } from '../support/log';
import { PostgresServer } from '../support/postgres';
import { until } from '../support/until';

let folder: string;
let server: PostgresServer;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'durable-mail-edges-'));
  server = await PostgresServer.start({ fsync: false });
});
after(async () => {
  await server.dispose();
  await rm(folder, { recursive: true });
});

const DATABASES: Readonly<Record<string, () => Promise<string>>> = {
  SQLite: async () => join(await mkdtemp(join(folder, 'ledger-')), 'ledger.sqlite'),
  Postgres: () => server.createDatabase(),
};

const idsOf = (told: readonly Heard[]): string[] => told.map(({ id }) => id);
const positionsOf = (changes: readonly Change[]): string[] => changes.map(({ position }) => position);

for (const [name, create] of Object.entries(DATABASES)) {
  describe(`a client of the feed over ${name}`, { timeout: 120_000 }, () => {
    let opened: Awaited<ReturnType<typeof openAt>>;
    let ledger: Ledger;
    let console: Console;
    let http: Server;
    let port: number;
    const followers = new Set<Follower>();

    beforeEach(async () => {
      opened = await openAt(await create());
      dead = 0;
      ledger = opened.ledger;
      console = openConsole(opened, {
        ...{
          prefix: '',
          isOwnOrigin: true,
          bundled: false,
          openHealth: false,
          showMail: true,
          editorUrl: null,
        },
        ...{
          rights: rightsBy(TOKENS),
          login: { kind: 'form' },
          sessionKey: Buffer.alloc(32, 1),
          hosts: () => true,
        },
        ...{ log: silentLog, version: '1.0.0', page: PAGE, plots: '' },
      });
      http = createServer((req, res) => void console.handle(req, res));
      http.listen(0, '127.0.0.1');
      await once(http, 'listening');
      port = (http.address() as AddressInfo).port;
    });
    afterEach(async () => {
      for (const one of followers) one.close();
      followers.clear();
      console.close();
      http.closeAllConnections();
      http.close();
      await opened.close();
    });

    let dead = 0;
    const mails = async (count: number, workflow = 'w1'): Promise<void> => {
      await deadMails(ledger, await listening(ledger, workflow), count);
      dead += count;
    };

    /** All that is kept, once all of it may be told. */
    const kept = (): Promise<readonly Change[]> =>
      until('all is certain', async () => {
        const { oldest } = await ledger.changePositions();
        const page = await ledger.changes(oldest, 100_000);
        assert.ok(page !== 'reset');
        const { length } = page.changes.filter(({ type }) => type === 'email.dead');
        return length === dead && page.changes;
      });

    const follow = (query = '', lastId?: string): Follower => {
      const follower = new Follower(port, TOKENS.read, query, lastId);
      followers.add(follower);
      return follower;
    };

    const status = async (query: string, headers: Record<string, string> = {}): Promise<number> => {
      const response = await fetch(`http://127.0.0.1:${port}/events?${query}`, {
        headers: { authorization: `Bearer ${TOKENS.read}`, ...headers },
      });
      const { status: code } = response;
      if (code !== 200)
        assert.match(((await response.json()) as { error: string }).error, /^"since" has to be a time.*\.$/);
      else await response.body!.cancel();
      return code;
    };

    it('with what is none of its ids is told a reset, and then all that comes', async () => {
      await mails(5);
      const all = await kept();
      const { newest } = await ledger.changePositions();
      const parts = newest.split('.');
      const like = (change: (parts: string[]) => void): string => {
        const other = [...parts];
        change(other);
        return other.join('.');
      };
      const own = parts.length - 2;
      const none = [
        ...[
          '0',
          '-1',
          '1',
          'x',
          '.',
          '...',
          '....',
          newest.slice(0, -1),
          `${newest}0`,
          `${newest}.`,
          `"${newest}"`,
        ],
        like((id) => (id[own] = String(Number(id[own]) + 1))),
        like((id) => (id[own] = `0${id[own]}`)),
        like((id) => (id[own] = `-${id[own]}`)),
        ...['9223372036854775807', '9223372036854775808', '999999999999999999', '1e3', '0x1', 'NaN'].flatMap(
          (huge) => [like((id) => (id[own] = huge)), like((id) => (id[1] = huge))],
        ),
        like((id) => (id[0] = '00000000')),
        like((id) => (id[0] = `${id[0]}'; drop table change; --`.replaceAll(' ', '/**/'))),
        'x'.repeat(200),
      ];
      const lost = none.flatMap((id) => [
        follow('', id),
        follow(`type=email.new&${new URLSearchParams({ since: id }).toString()}`),
      ]);
      await until('all are told', () => lost.every(({ told }) => told.length > 0));
      for (const one of lost)
        assert.deepEqual([one.told[0]!.type, one.told[0]!.id, one.told.length], ['reset', newest, 1]);
      await mails(1);
      const news = (await kept()).slice(all.length);
      const wanted = news.filter(({ type }) => type === 'email.new');
      await until('all are told what came', () =>
        lost.every(({ told, query }) => told.length === 1 + (query === '' ? news : wanted).length),
      );
      for (const one of lost)
        assert.deepEqual(idsOf(one.told.slice(1)), positionsOf(one.query === '' ? news : wanted));
      assert.equal(
        (await ledger.changePositions()).oldest.split('.')[0],
        parts[0],
        'and nothing has happened',
      );
    });

    it('with what cannot be meant is refused in words', async () => {
      for (const since of [
        'a b',
        'a%00b',
        '%00',
        'x'.repeat(201),
        '%C3%A4',
        '2026-02-30',
        '2026-13-01T00:00:00Z',
        '0000-00-00',
      ])
        assert.equal(await status(`since=${since}`), 400, since);
      for (const last of ['a b', 'x'.repeat(201), '\u00e4', '2026-02-30'])
        assert.equal(await status('', { 'last-event-id': last }), 400, last);
      assert.equal(await status('since='), 200);
      assert.equal(await status('since=0001-01-01', { 'last-event-id': '' }), 200);
    });

    it('from before all times, or after them, is told all that is kept, or what comes', async () => {
      await mails(3);
      const all = await kept();
      const { oldest } = await ledger.changePositions();
      const early = ['0001-01-01', '0001-01-01T00:00:00%2B23:59', '1969-12-31', '0000-01-01'].map((since) =>
        follow(`since=${since}`),
      );
      const late = ['9999-12-31', '9999-12-31T23:59:59.999999999-23:59'].map((since) =>
        follow(`since=${since}`),
      );
      await until('those are told all', () => early.every(({ told }) => told.length > all.length));
      // What comes before they have begun is older than what they want.
      await until('these listen', async () => {
        await mails(1);
        return late.every(({ told }) => told.length > 0);
      });
      const now = await kept();
      for (const one of early) {
        await until('it is told all', () => one.told.length === 1 + now.length);
        assert.deepEqual(one.told[0], { ...one.told[0]!, type: 'reset', id: oldest });
        assert.deepEqual(idsOf(one.told.slice(1)), positionsOf(now));
      }
      for (const one of late) {
        await until('it is told the rest', () => one.told.at(-1)!.id === now.at(-1)!.position);
        assert.deepEqual(idsOf(one.told), positionsOf(now.slice(-one.told.length)));
      }
    });

    it('goes on after any id, whatever else it asks for, and its last id counts for more than its first one', async () => {
      await mails(2);
      await mails(2, 'w2');
      const all = await kept();
      const asks: readonly (readonly [string, (change: Change) => boolean])[] = [
        ['', () => true],
        ['type=email.dead', ({ type }) => type === 'email.dead'],
        [
          'workflow=w2&type=email.new,email.dead',
          ({ type, workflowId }) => workflowId === 'w2' && /new|dead/.test(type),
        ],
        ['source=1', ({ sourceId }) => sourceId === 1],
        ['source=7', () => false],
        ['type=stats', () => false],
      ];
      const goingOn = all.flatMap(({ position }, place) =>
        asks.map(([query, isWanted]) => ({
          follower: follow(`${query}&since=${place % 2 === 0 ? '2020-01-01' : 'x'}`, position),
          place,
          isWanted,
        })),
      );
      await until('all have come', () => goingOn.every(({ follower }) => follower.connections > 0));
      await mails(1);
      await mails(1, 'w2');
      const now = await kept();
      for (const { follower, place, isWanted } of goingOn) {
        const wanted = positionsOf(now.slice(place + 1).filter(isWanted));
        await until('it is told all', () => follower.told.length >= wanted.length);
        assert.deepEqual(idsOf(follower.told), wanted, follower.query);
      }
    });

    it('that is cut off again and again while it catches up is told all of it once', async () => {
      for (let page = 0; page < 8; page++) await mails(200);
      const all = await kept();
      const { oldest } = await ledger.changePositions();
      const restless = follow('', oldest);
      for (let cut = 0; cut < 8; cut++) {
        const { length } = restless.told;
        await until(
          'it is told more',
          () => restless.told.length > length || length === all.length,
          30_000,
          1,
        );
        restless.cut();
      }
      await until('it is told all', () => restless.told.length >= all.length);
      assert.deepEqual(idsOf(restless.told), positionsOf(all));
      restless.close();
      const figures = async (): Promise<string> => {
        const headers = { authorization: `Bearer ${TOKENS.read}` };
        return (await fetch(`http://127.0.0.1:${port}/metrics`, { headers })).text();
      };
      await until('none of it is left', async () => /^durable_mail_feed_clients 0$/m.test(await figures()));
      assert.match(await figures(), /^durable_mail_feed_cut_total 0$/m);
    });
  });
}
