// The ledger's contract on a real Postgres, and what only a server can do wrong.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Client, type ClientConfig, types } from 'pg';
import { LedgerFault, type LedgerFaultKind } from '../../engine/ledger/fault';
import type { Change } from '../../engine/ledger/changes';
import type { Ledger } from '../../engine/ledger/ledger';
import type { NewMessage } from '../../engine/ledger/recording';
import type { NewSubscription, Subscription } from '../../engine/ledger/subscriptions';
import { checkPostgres } from '../../engine/ledger/postgres/check';
import { serverFault } from '../../engine/ledger/postgres/fault';
import { migrations } from '../../engine/ledger/postgres/migrations';
import { openPostgresLedger } from '../../engine/ledger/postgres/postgres-ledger';
import { type PostgresSettings, settingsFromUrl } from '../../engine/ledger/postgres/settings';
import type { SourceHold } from '../../engine/ledger/source-holds';
import { selfSigned } from '../support/certificate';
import { PostgresServer } from '../support/postgres';
import { until } from '../support/until';
import {
  type Before,
  DATE_AHEAD,
  ledgerOfBefore,
  selectAll,
  TABLES as TABLES_BEFORE,
} from '../ledger/before/to-its-end';
import { ledgerContract } from '../ledger/contract';
import { Fixture } from '../ledger/contract/fixture';
import { held } from '../ledger/held';
import type { LedgerUnderTest, Value } from '../ledger/contract/harness';

const TABLES =
  'source, subscription, message, content, content_piece, event, seen, once_key, once_answer, errand, mail_action, change, ' +
  'try, deed, annotation, step_sum, standing, outgoing, outgoing_content, outgoing_lane, outgoing_begun, template, endpoint, ' +
  'member, want, listening, complaint';
const LEDGERS = 'n8n-nodes-durable-mail';
const NEW_SUBSCRIPTION: NewSubscription = {
  workflowId: 'w',
  nodeId: 'n',
  source: { kind: 'imap', account: 'ann@mail.example', mailbox: 'INBOX' },
  retryDelaysMs: [1],
  guarantee: 'atLeastOnce',
  keepContentMs: 0,
  retentionMs: 1_000_000,
  afterSuccess: null,
  whenDead: null,
};

let server: PostgresServer;
before(async () => {
  server = await PostgresServer.start({ fsync: false });
});
after(() => server.dispose());

/** Every statement that ledgers send, whatever connection it goes over. */
let sent = 0;
/** With their parameters, while that is asked for. */
let seen: [text: string, parameters: unknown[]][] | undefined;
const query = Object.getOwnPropertyDescriptor(Client.prototype, 'query')!.value as (
  this: Client,
  ...args: unknown[]
) => unknown;
Object.defineProperty(Client.prototype, 'query', {
  configurable: true,
  writable: true,
  value(this: Client & { connectionParameters: ClientConfig }, ...args: unknown[]) {
    if (this.connectionParameters.application_name === LEDGERS) {
      sent++;
      if (typeof args[0] === 'string' && Array.isArray(args[1])) seen?.push([args[0], args[1]]);
    }
    return query.apply(this, args);
  },
});

type PgType = (typeof types.builtins)[keyof typeof types.builtins];

/** A connection beside the ledgers, to one database, that finds their tables by bare names. */
async function connect(url: string, schema = 'durable_mail'): Promise<Client> {
  const client = new Client({
    connectionString: url,
    options: `-c search_path=${schema}`,
    types: {
      getTypeParser: ((oid: PgType, format?: 'text') =>
        oid === types.builtins.INT8
          ? Number
          : (types.getTypeParser(oid, format) as unknown)) as typeof types.getTypeParser,
    },
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** One database for all of the contract's tests, emptied between them: making one takes longer than most tests. */
let shared: Promise<string> | undefined;

async function openUnderTest(): Promise<LedgerUnderTest> {
  const url = await (shared ??= server.createDatabase());
  const ledger = await openPostgresLedger(settingsFromUrl(url));
  const beside = await connect(url);
  let analyzed: Promise<unknown> | undefined;
  return {
    ledger,
    query: async <Row>(sql: string) => (await beside.query(sql)).rows as Row[],
    statements: () => sent,
    readThrough: async (work) => {
      // Once, of the many that are there by now: no call adds much to them.
      await (analyzed ??= beside.query('analyze'));
      return readThrough(beside, work);
    },
    withoutIndex: (name, work) => withoutIndex(beside, name, work),
    openAnother: (instance) => openPostgresLedger(settingsFromUrl(url), instance),
    dispose: async () => {
      await ledger.close();
      await beside.query(`truncate ${TABLES} restart identity`);
      await beside.query(`insert into change (xid, type, details) values ('0', 'begin', '{}')`);
      await beside.query(
        'update durable_mail.ownership set owner = null, home = null, host = null, owned_at = null, said_at = null',
      );
      await beside.end();
    },
  };
}

/** The database is shared: it has the index again, whatever happens. */
async function withoutIndex(beside: Client, name: string, work: () => Promise<void>): Promise<void> {
  const { rows } = await beside.query<{ made: string }>(
    `select indexdef as made from pg_indexes where schemaname = 'durable_mail' and indexname = '${name}'`,
  );
  await beside.query(`drop index ${name}`);
  try {
    await work();
  } finally {
    await beside.query(rows[0]!.made);
  }
}

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Filter?: string;
  readonly Plans?: readonly Plan[];
}

/** They hand on row by row: a limit above them ends what is below. */
const ROW_BY_ROW = ['Limit', 'Nested Loop', 'LockRows', 'Subquery Scan', 'Result'];

/** Of some rows of a table only: short where few are such, and its condition, which a plan may ask again for each row. */
type PartialIndexes = ReadonlyMap<string, { readonly isShort: boolean; readonly condition: string }>;

/**
 * An index whose first rows are taken, as they come, up to a limit is not read through; nor is a short one.
 * @param of the table that the plan above reads: a bitmap of it is made below
 * @returns the tables that a plan reads from one end to the other, by themselves or by an index
 */
function readBy(
  { Plans = [], ...plan }: Plan,
  partial: PartialIndexes,
  { of, isCut = false }: { readonly of?: string | undefined; readonly isCut?: boolean } = {},
): string[] {
  const { 'Node Type': type, 'Relation Name': table = of, 'Index Name': index } = plan;
  const only = index === undefined ? undefined : partial.get(index);
  const isAsItComes = isCut && (plan.Filter === undefined || plan.Filter === only?.condition);
  const isAll =
    index === undefined ? type === 'Seq Scan' : !plan['Index Cond'] && only?.isShort !== true && !isAsItComes;
  const above = { of: table, isCut: type === 'Limit' || (isCut && ROW_BY_ROW.includes(type)) };
  return [...(isAll ? [table!] : []), ...Plans.flatMap((below) => readBy(below, partial, above))];
}

/** @returns what the ledger's statements read so while some work is done, as Postgres plans them for what is stored */
async function readThrough(beside: Client, work: () => Promise<void>): Promise<string[]> {
  const indexes = await beside.query<{ name: string; isShort: boolean; condition: string }>(`
    select relname as name, reltuples < 100 as "isShort", pg_get_expr(indpred, indrelid) as condition
    from pg_index join pg_class on pg_class.oid = indexrelid where indpred is not null`);
  const partial = new Map(indexes.rows.map(({ name, ...only }) => [name, only]));
  const asked = (seen = []) as [string, unknown[]][];
  await work();
  seen = undefined;
  const read: string[] = [];
  for (const [text, parameters] of asked) {
    const { rows } = await beside.query<{ 'QUERY PLAN': readonly { readonly Plan: Plan }[] }>(
      `explain (format json) ${text}`,
      parameters,
    );
    const tables = rows.flatMap((row) =>
      row['QUERY PLAN'].flatMap(({ Plan: plan }) => readBy(plan, partial)),
    );
    for (const table of tables) if (table !== 'ownership') read.push(`${table}: ${text}`);
  }
  return [...new Set(read)];
}

ledgerContract('Postgres', openUnderTest);

let dumped: Before;

/** A database as pg_dump wrote it of the version before, and then brought up to date. */
async function openBefore(): Promise<LedgerUnderTest> {
  const url = await server.createDatabase();
  const restoring = await connect(url);
  await restoring.query(await readFile(join(__dirname, '..', 'ledger', 'before', 'postgres-7.sql'), 'utf8'));
  await restoring.end();
  const beside = await connect(url);
  const all = async <Row>(sql: string): Promise<Row[]> => (await beside.query(sql)).rows as Row[];
  await beside.query(DATE_AHEAD);
  const tables: (readonly [string, readonly unknown[]])[] = [];
  for (const table of TABLES_BEFORE) tables.push([table, await all<Record<string, Value>>(selectAll(table))]);
  dumped = Object.fromEntries(tables) as unknown as Before;
  const ledger = await openPostgresLedger(settingsFromUrl(url));
  return {
    ...{
      ledger,
      query: all,
      statements: () => sent,
      readThrough: async () => [],
      withoutIndex: (_, work) => work(),
    },
    openAnother: (instance) => openPostgresLedger(settingsFromUrl(url), instance),
    dispose: async () => {
      await ledger.close();
      await beside.end();
    },
  };
}

describe('a Postgres ledger of the version before', () => {
  ledgerOfBefore(new Fixture(openBefore), () => dumped);
});

/** A database of its own, its settings, and a connection beside the ledgers on it. */
async function onDatabase(
  work: (settings: PostgresSettings, beside: Client, url: string) => Promise<void>,
): Promise<void> {
  const url = await server.createDatabase();
  const beside = await connect(url);
  try {
    await work(settingsFromUrl(url), beside, url);
  } finally {
    await beside.end();
  }
}

/** Opens a ledger, and closes it whatever happens. */
async function withLedger<T>(settings: PostgresSettings, work: (ledger: Ledger) => Promise<T>): Promise<T> {
  const ledger = await openPostgresLedger(settings);
  try {
    return await work(ledger);
  } finally {
    await ledger.close();
  }
}

const mail = (uid: number, due: readonly Subscription[], more: Partial<NewMessage> = {}): NewMessage => ({
  identity: `uid:1:${uid}:INBOX`,
  softIdentity: `soft ${uid}`,
  accountWide: false,
  weakIdentity: null,
  messageId: null,
  sender: null,
  subject: null,
  uid,
  uidValidity: '1',
  receivedAt: 1,
  size: 1,
  content: Buffer.from('x'),
  due: due.map(({ id }) => id),
  ...more,
});

/** @param words what the message holds */
const fault =
  (kind: LedgerFaultKind, words: RegExp) =>
  (error: unknown): true => {
    assert.ok(error instanceof LedgerFault, String(error));
    assert.equal(error.kind, kind, error.message);
    assert.match(error.message, words);
    assert.doesNotMatch(error.message, /secret|test password/);
    return true;
  };

const READY = new RegExp(`is ready \\(version ${migrations.length}\\)`);

describe('the schema in Postgres', () => {
  it('is made once by eight processes that come at once', () =>
    onDatabase(async (settings, beside) => {
      const ledgers = await Promise.all(Array.from({ length: 8 }, () => openPostgresLedger(settings)));
      try {
        const made = await Promise.all(ledgers.map((ledger) => ledger.subscribe(NEW_SUBSCRIPTION)));
        assert.equal(new Set(made.map(({ id }) => id)).size, 1);
        assert.deepEqual((await beside.query('select version from schema_version')).rows, [
          { version: migrations.length },
        ]);
      } finally {
        await Promise.all(ledgers.map((ledger) => ledger.close()));
      }
    }));

  it('of a newer version is refused, and left as it is', () =>
    onDatabase(async (settings, beside) => {
      await withLedger(settings, async () => undefined);
      await beside.query('update schema_version set version = 99');
      const newer = fault(
        'schema',
        new RegExp(
          `written by a newer .*version 99, this one knows ${migrations.length}.*Update the package`,
        ),
      );
      await assert.rejects(openPostgresLedger(settings), newer);
      await assert.rejects(checkPostgres(settings), newer);
      assert.deepEqual((await beside.query('select version from schema_version')).rows, [{ version: 99 }]);
    }));

  it('of version 1 is brought up to date by many at once, with all that is in it, and works on', () =>
    onDatabase(async (settings, beside) => {
      await beside.query(`
        create schema durable_mail;
        create table durable_mail.schema_version (
          version integer not null, one boolean primary key default true check (one));
        insert into schema_version (version) values (1);
        ${migrations[0]}`);
      await beside.query(`
        insert into source (kind, account, mailbox, state, connection, last_success_at, last_error)
          values ('imap', 'ann@mail.example', 'INBOX', 'idle', 'idling', 8, 'why');
        insert into subscription (key, workflow_id, node_id, source_id, retry_delays_ms, cursor, created_at, guarantee,
            keep_content_ms, retention_ms)
          values ('["w","n","[\\"imap\\",\\"ann@mail.example\\",\\"INBOX\\"]"]', 'w', 'n', 1, '[1000]', '{"uid":9}', 5,
            'atMostOnce', 1, 2);
        insert into message (source_id, identity, soft_identity, uid, uid_validity, recorded_at, size, sender, subject)
          values (1, 'id:1', 'soft 1', 1, '1', 5, 100, 'bob@mail.example', 'hello');
        insert into content (message_id, gzip) values (1, 'x');
        insert into event (id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, attempt,
            lease_until, run_id, execution_id, created_at)
          values ('event-1', 1, 1, 'id:1', 'soft 1', 'key', 'RUNNING', 1, 9000000000000, 'run', '42', 5);
        insert into seen values (1, 'id:0');
        insert into once_key (key, holder, lease_until, finish) values ('k', 'h', 9000000000000, 'onSuccess')`);
      const all = async (): Promise<unknown[]> => {
        const rows: unknown[] = [];
        for (const table of ['event', 'content', 'seen', 'once_key']) {
          rows.push((await beside.query(`select * from ${table}`)).rows);
        }
        return rows;
      };
      const before = await all();
      assert.match(
        await checkPostgres(settings),
        new RegExp(`schema durable_mail will be updated from version 1 to ${migrations.length}`),
      );
      const ledgers = await Promise.all(Array.from({ length: 4 }, () => openPostgresLedger(settings)));
      try {
        const added = { unclaimed: 0, end_told: true, began_at: null };
        const [events, contents, ...others] = before as [object[], object[], ...object[][]];
        assert.deepEqual(await all(), [
          events.map((event) => ({ ...event, ...added })),
          contents.map((content) => ({ ...content, pieces: 1 })),
          ...others,
        ]);
        const { rows } = await beside.query('select * from subscription');
        const { id, cursor, guarantee, keep_content_ms, retention_ms, after_success, when_dead } =
          rows[0] as {
            [column: string]: unknown;
          };
        assert.deepEqual(
          { id, cursor, guarantee, keep_content_ms, retention_ms, after_success, when_dead },
          {
            ...{ id: 1, cursor: '{"uid":9}', guarantee: 'atMostOnce', keep_content_ms: 1, retention_ms: 2 },
            ...{ after_success: null, when_dead: null },
          },
        );
        const [ledger] = ledgers as [Ledger];
        const [source] = await ledger.sources();
        assert.deepEqual([source?.state, source?.lastSuccessAt, source?.lastError], ['idle', 8, 'why']);
        assert.deepEqual([source?.backfill, source?.actionsWaiting, source?.actionError], [null, 0, null]);
        assert.deepEqual([source?.recovered, source?.recoveredAt, source?.notifiedUntil], [null, null, null]);
        const to = await ledger.subscribe({ ...NEW_SUBSCRIPTION, afterSuccess: { kind: 'markRead' } });
        assert.equal(to.id, 1);
        const hold = await held(ledger, to.sourceId);
        assert.deepEqual(hold, { sourceId: 1, fence: 1 });
        const pointer = { event: 'event-1', attempt: 1 };
        assert.deepEqual(await ledger.settle([pointer], { kind: 'success' }), [
          { ...pointer, state: 'DONE' },
        ]);
        assert.deepEqual(
          (await ledger.takeErrands(hold, 10, 1_000)).map(({ event, action }) => [event, action]),
          [['event-1', { kind: 'markRead' }]],
        );
        assert.match(await checkPostgres(settings), READY);
      } finally {
        await Promise.all(ledgers.map((ledger) => ledger.close()));
      }
    }));

  it('has the name that it was given, beside others', () =>
    onDatabase(async (settings, beside, url) => {
      for (const schema of ['one', 'Two$_2']) {
        const named = settingsFromUrl(`${url}?schema=${encodeURIComponent(schema)}`);
        assert.match(await checkPostgres(named), /will be made/);
        await withLedger(named, async (ledger) => {
          const to = await ledger.subscribe(NEW_SUBSCRIPTION);
          assert.deepEqual(
            await ledger.record({
              hold: await held(ledger, to.sourceId),
              messages: [mail(1, [to])],
              cursors: [],
            }),
            [to.id],
          );
        });
        assert.equal((await beside.query(`select * from "${schema}".event`)).rows.length, 1);
      }
      const { rows } = await beside.query(`select to_regnamespace('durable_mail') as there`);
      assert.deepEqual(rows, [{ there: null }]);
      for (const schema of ['a"b', 'a b', '1a', '', 'x'.repeat(64)]) {
        await assert.rejects(openPostgresLedger({ ...settings, schema }), /name of the Postgres schema/);
      }
    }));

  it('holds what was recorded when it is opened again', () =>
    onDatabase(async (settings) => {
      await withLedger(settings, async (ledger) => {
        const { id, sourceId } = await ledger.subscribe(NEW_SUBSCRIPTION);
        const cursors = [{ subscriptionId: id, cursor: { uid: 3 } }];
        await ledger.record({ hold: await held(ledger, sourceId), messages: [], cursors });
      });
      await withLedger(settings, async (ledger) => {
        assert.deepEqual((await ledger.subscribe(NEW_SUBSCRIPTION)).cursor, { uid: 3 });
      });
    }));

  it('is asked for one mail with one statement, and for many where no plan is compiled', () =>
    onDatabase((settings) =>
      withLedger(settings, async (ledger) => {
        const { id } = await ledger.subscribe(NEW_SUBSCRIPTION);
        const statements = async (mails: number): Promise<number> => {
          const before = sent;
          const candidates = Array.from({ length: mails }, (_, n) => {
            return { identity: `id:${n}`, softIdentity: null, accountWide: true, due: [id] };
          });
          assert.equal((await ledger.unrecorded(candidates)).length, mails);
          return sent - before;
        };
        assert.equal(await statements(1), 1);
        assert.equal(await statements(500), 3, 'a transaction: it begins with "jit = off"');
      }),
    ));

  it('needs a server of version 14 or newer', () => {
    const settings = settingsFromUrl('postgres://u:secret@db/mail');
    assert.equal(serverFault(140_000, settings), null);
    fault('schema', /db:5432\/mail is PostgreSQL 13; .* needs 14 or newer/)(serverFault(130_014, settings));
  });
});

describe("a user's rights in Postgres", () => {
  /** A user without any right but to connect. */
  const withUser = (
    work: (settings: PostgresSettings, beside: Client, user: string) => Promise<void>,
  ): Promise<void> =>
    onDatabase(async (settings, beside, url) => {
      const user = `user ${settings.database}`;
      await beside.query(`create user "${user}" password 'secret'`);
      const login = new URL(url);
      login.username = encodeURIComponent(user);
      login.password = 'secret';
      await work(settingsFromUrl(login.href), beside, user);
    });

  it('that are missing are named, with what an administrator has to run, and that is enough', () =>
    withUser(async (settings, beside, user) => {
      const words = new RegExp(
        `Run this as an administrator.*create schema .*grant usage, create .* to "${user}"`,
      );
      await assert.rejects(checkPostgres(settings), fault('rights', words));
      await assert.rejects(openPostgresLedger(settings), fault('rights', words));
      const error: unknown = await openPostgresLedger(settings).catch((thrown: unknown) => thrown);
      const [, advice] = /administrator of the database: (.*)$/.exec((error as Error).message)!;
      await beside.query(advice!);
      assert.match(await checkPostgres(settings), /tables in schema durable_mail will be made/);
      await withLedger(settings, (ledger) => ledger.subscribe(NEW_SUBSCRIPTION));
      assert.match(await checkPostgres(settings), READY);
    }));

  it('in a schema that another user made are named one by one', () =>
    withUser(async (settings, beside, user) => {
      await withLedger({ ...settings, ...server.login }, async () => undefined);
      await assert.rejects(checkPostgres(settings), fault('rights', /may not use the schema durable_mail/));
      await assert.rejects(openPostgresLedger(settings), fault('rights', /grant usage/));
      await beside.query(`grant usage on schema durable_mail to "${user}"`);
      await beside.query(`grant select on all tables in schema durable_mail to "${user}"`);
      await beside.query(`grant insert, update on content to "${user}"`);
      await assert.rejects(
        checkPostgres(settings),
        fault(
          'rights',
          /lacks insert\/update\/delete on annotation, insert\/update\/delete on change, insert\/update\/delete on complaint, delete on content, insert\/update\/delete on content_piece, insert\/update\/delete on deed, insert\/update\/delete on endpoint, insert\/update\/delete on errand, insert\/update\/delete on event,/,
        ),
      );
      await withLedger(settings, async (ledger) => {
        await assert.rejects(ledger.subscribe(NEW_SUBSCRIPTION), fault('rights', /grant select, insert/));
      });
      await beside.query(`grant insert, update, delete on all tables in schema durable_mail to "${user}"`);
      await withLedger(settings, (ledger) => ledger.subscribe(NEW_SUBSCRIPTION));
      assert.match(await checkPostgres(settings), /is ready/);
    }));

  it('to update what another user made are asked of that user', () =>
    withUser(async (settings, beside, user) => {
      await beside.query(`
        create schema durable_mail;
        create table durable_mail.schema_version (version integer not null);
        insert into schema_version values (1);
        ${migrations[0]};
        grant usage, create on schema durable_mail to "${user}";
        grant select, insert, update, delete on all tables in schema durable_mail to "${user}"`);
      const words = /(belong to another user|must be owner).*update them once as the user who made them/;
      await assert.rejects(checkPostgres(settings), fault('rights', words));
      await assert.rejects(openPostgresLedger(settings), fault('rights', words));
      await withLedger({ ...settings, ...server.login }, async () => undefined);
      await beside.query(
        `grant select, insert, update, delete on all tables in schema durable_mail to "${user}"`,
      );
      await withLedger(settings, (ledger) => ledger.subscribe(NEW_SUBSCRIPTION));
    }));

  it('to change anything may be missing altogether: the cursor stays where it is', () =>
    onDatabase(async (settings, beside) => {
      const [to, hold] = await withLedger(settings, async (ledger) => {
        const made = await ledger.subscribe(NEW_SUBSCRIPTION);
        return [made, await held(ledger, made.sourceId)] as const;
      });
      await beside.query(`alter database "${settings.database}" set default_transaction_read_only = on`);
      const readOnly = fault('readonly', /takes no changes.*default_transaction_read_only/);
      await assert.rejects(checkPostgres(settings), readOnly);
      await withLedger(settings, async (ledger) => {
        const cursors = [{ subscriptionId: to.id, cursor: { uid: 1 } }];
        await assert.rejects(ledger.record({ hold, messages: [mail(1, [to])], cursors }), readOnly);
        assert.equal((await ledger.cursors([to.id])).get(to.id), null);
        assert.deepEqual((await ledger.events({}, { limit: 1 })).events, []);
      });
    }));
});

describe('a login to Postgres', () => {
  it('with a wrong password, user or database says so', () =>
    onDatabase(async (settings) => {
      for (const open of [openPostgresLedger, checkPostgres]) {
        const login = fault('login', /refused the login.*Check the user and the password/);
        await assert.rejects(open({ ...settings, password: 'secret' }), login);
        await assert.rejects(open({ ...settings, password: '' }), fault('login', /refused the login/));
        await assert.rejects(open({ ...settings, user: 'nobody' }), login);
        await assert.rejects(
          open({ ...settings, database: 'nowhere' }),
          fault('other', /"nowhere" does not exist.*create database "nowhere"/),
        );
      }
    }));

  it('asks for the password again for each connection', () =>
    onDatabase(async (settings) => {
      let asked = 0;
      const password = async (): Promise<string> => {
        asked++;
        return server.login.password;
      };
      await withLedger({ ...settings, password }, (ledger) =>
        Promise.all([ledger.sources(), ledger.sources(), ledger.sources()]),
      );
      assert.ok(asked > 1);
    }));

  it('at a place where nobody answers says where', () =>
    onDatabase(async (settings) => {
      await assert.rejects(
        openPostgresLedger({ ...settings, port: 1 }),
        fault(
          'unreachable',
          /127\.0\.0\.1:1\/test_.* cannot be reached: .*ECONNREFUSED.*Check that it is running/,
        ),
      );
      await assert.rejects(
        openPostgresLedger({ ...settings, host: 'no-such-host.invalid' }),
        fault('unreachable', /no-such-host\.invalid.* cannot be reached/),
      );
      await assert.rejects(
        openPostgresLedger({ ...settings, host: 'localhost', port: 1 }),
        fault('unreachable', /localhost:1.*ECONNREFUSED/),
      );
    }));
});

describe('TLS to Postgres', () => {
  it('that the server does not offer says to switch it off', () =>
    onDatabase(async (settings) => {
      await assert.rejects(
        openPostgresLedger({ ...settings, tls: { rejectUnauthorized: false } }),
        fault('tls', /does not support SSL.*set SSL to Disable/),
      );
    }));

  it('is made with a certificate that is trusted, or with any where one asks for that', async () => {
    const { cert, key } = await selfSigned('127.0.0.1');
    const secure = await PostgresServer.start({ fsync: false, tls: { cert, key } });
    try {
      const settings = settingsFromUrl(secure.url());
      const open = (tls: PostgresSettings['tls']): Promise<string> => checkPostgres({ ...settings, tls });
      await assert.rejects(
        open({ rejectUnauthorized: true }),
        fault('tls', /self-signed certificate.*Add the certificate/),
      );
      assert.match(await open({ rejectUnauthorized: true, ca: cert }), /^Connected to Postgres 1\d/);
      assert.match(await open({ rejectUnauthorized: false }), /^Connected/);
      await assert.rejects(
        checkPostgres({ ...settings, host: 'localhost', tls: { rejectUnauthorized: true, ca: cert } }),
        fault('tls', /localhost/),
      );
      await assert.rejects(
        open({ rejectUnauthorized: true, ca: (await selfSigned('127.0.0.1')).cert }),
        fault('tls', /certificate/),
      );
      await withLedger({ ...settings, tls: { rejectUnauthorized: true, ca: cert } }, async () => {
        const rows = await secure.query<{ ssl: boolean }>(
          'postgres',
          `select ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name = '${LEDGERS}'`,
        );
        assert.ok(rows.length > 0 && rows.every(({ ssl }) => ssl));
      });
    } finally {
      await secure.dispose();
    }
  });
});

describe('a connection to Postgres', () => {
  const killAll = (beside: Client): Promise<unknown> =>
    beside.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = '${LEDGERS}'`,
    );

  it('that is killed while it is idle is replaced', () =>
    onDatabase(async (settings, beside) =>
      withLedger(settings, async (ledger) => {
        await Promise.all(Array.from({ length: 4 }, () => ledger.sources()));
        await killAll(beside);
        // Not a moment later: the news of its end may still be on the way.
        await ledger.subscribe(NEW_SUBSCRIPTION);
        assert.equal((await ledger.sources()).length, 1);
      }),
    ));

  it('that is killed in the middle of a call fails that call, and the next one works', () =>
    onDatabase(async (settings, beside) =>
      withLedger(settings, async (ledger) => {
        const to = await ledger.subscribe(NEW_SUBSCRIPTION);
        const hold = await held(ledger, to.sourceId);
        await ledger.record({ hold, messages: [mail(1, [to])], cursors: [] });
        await beside.query('begin; lock table event');
        const request = { subscriptionIds: [to.id], mostRuns: 1, mailsPerRun: 1, leaseMs: 1_000 };
        const calls = [ledger.offer(request), ledger.statistics({})];
        const rejected = calls.map((call) =>
          assert.rejects(call, fault('unreachable', /cannot be reached: terminating connection/)),
        );
        await until('both wait', async () => {
          const { rows } = await beside.query(`select 1 from pg_locks where not granted`);
          return rows.length === 2;
        });
        await killAll(beside);
        await beside.query('rollback');
        await Promise.all(rejected);
        assert.equal((await ledger.offer(request)).runs.length, 1);
      }),
    ));

  it('is made anew when the server was started again', () =>
    onDatabase(async (settings) =>
      withLedger(settings, async (ledger) => {
        const to = await ledger.subscribe(NEW_SUBSCRIPTION);
        const hold = await held(ledger, to.sourceId);
        await server.down();
        const down = fault('unreachable', /cannot be reached/);
        await assert.rejects(ledger.sources(), down);
        const batch = { hold, messages: [mail(1, [to])], cursors: [] };
        await assert.rejects(ledger.record(batch), down);
        await server.up();
        assert.deepEqual(await ledger.record(batch), [to.id]);
      }),
    ));

  it('closes once, however often one asks', () =>
    onDatabase(async (settings, beside) => {
      const ledger = await openPostgresLedger(settings);
      await Promise.all([ledger.close(), ledger.close()]);
      await ledger.close();
      await until('no connection is left', async () => {
        const { rows } = await beside.query(
          `select 1 from pg_stat_activity where datname = current_database() and application_name = '${LEDGERS}'`,
        );
        return rows.length === 0;
      });
    }));
});

describe('many processes on one Postgres', () => {
  it('leave none with a source that was passed on to it just when it wanted it no more, or was no more', () =>
    onDatabase(async (settings, beside) => {
      const ledger = await openPostgresLedger({ ...settings, mostConnections: 4 });
      try {
        const { sourceId } = await ledger.subscribe(NEW_SUBSCRIPTION);
        const waiting = async (count: number): Promise<unknown> =>
          until(`${count} wait for a lock`, async () => {
            const { rows } = await beside.query<{ n: number }>(
              'select count(distinct pid)::int as n from pg_locks where not granted',
            );
            return rows[0]!.n === count;
          });
        const ways = {
          drops: () => ledger.attend('other', 60_000, []),
          leaves: () => ledger.withdraw('other'),
        };
        for (const [how, goes] of Object.entries(ways)) {
          await ledger.attend('other', 60_000, [{ sourceId, reserve: false }]);
          const hold = await held(ledger, sourceId);
          await beside.query(`begin; select 1 from source where id = ${sourceId} for update`);
          const passing = ledger.passOn(hold, 'other', 60_000);
          await waiting(1);
          const going = goes();
          await waiting(2);
          await beside.query('commit');
          assert.equal(await passing, true, how);
          await going;
          const [standing] = await ledger.standings('this process', [sourceId]);
          assert.equal(standing!.holder, null, how);
          assert.equal(await ledger.passOn(await held(ledger, sourceId), 'other', 60_000), false, how);
        }
      } finally {
        await beside.query('rollback');
        await ledger.close();
      }
    }));

  it('that record, offer, claim, renew, settle, act, replay and sweep as fast as they can never fail', () =>
    onDatabase(async (settings, beside) => {
      const ledgers = await Promise.all(
        Array.from({ length: 8 }, () => openPostgresLedger({ ...settings, mostConnections: 2 })),
      );
      try {
        const subscriptions = await Promise.all(
          [
            ['a', 'INBOX'],
            ['b', 'INBOX'],
            ['a', 'Archive'],
            ['b', 'Archive'],
          ].map(([workflowId, mailbox]) =>
            ledgers[0]!.subscribe({
              ...NEW_SUBSCRIPTION,
              workflowId: workflowId!,
              source: { ...NEW_SUBSCRIPTION.source, mailbox: mailbox! },
              keepContentMs: workflowId === 'a' ? 0 : 50,
              afterSuccess:
                workflowId === 'a'
                  ? { kind: 'move', mailbox: 'Done', takesAway: true }
                  : { kind: 'markRead' },
              whenDead: { kind: 'flag' },
            }),
          ),
        );
        const ids = subscriptions.map(({ id }) => id);
        const sources = [subscriptions.slice(0, 2), subscriptions.slice(2)];
        const holds = await Promise.all(sources.map(([to]) => held(ledgers[0]!, to!.sourceId)));
        const end = performance.now() + 4_000;
        let uid = 0;
        let won = 0;
        let acted = 0;
        const act = async (ledger: Ledger, hold: SourceHold, round: number): Promise<void> => {
          const actions = (await ledger.takeErrands(hold, 20, 20)).map(({ id }) => id).reverse();
          if (round % 3 === 0) await ledger.postponeErrands(actions, 'it broke', 10);
          else await ledger.finishErrands(actions);
          acted += actions.length;
        };
        const heard: Change[] = [];
        let position = (await ledgers[0]!.changePositions()).oldest;
        const hear = async (ledger: Ledger, isAll: () => boolean): Promise<void> => {
          for (let rest = true; rest;) {
            rest = !isAll();
            const page = await ledger.changes(position, 100);
            assert.ok(page !== 'reset');
            heard.push(...page.changes);
            position = page.position;
            rest ||= page.more;
          }
        };
        const work = async (ledger: Ledger, worker: number): Promise<void> => {
          for (let round = worker; performance.now() < end; round++) {
            if (round % 2 === 0) {
              const to = sources[worker % 2]!;
              // Some are in both mailboxes, under one identity; others may only seem to be the same.
              const messages = Array.from({ length: 10 }, () => {
                const n = 1 + (uid++ % 2_000);
                const accountWide = n % 2 === 0;
                const identity = accountWide ? `email:${n}` : `uid:1:${n}:${worker % 2}`;
                return mail(n, to, {
                  identity,
                  accountWide,
                  softIdentity: null,
                  weakIdentity: `weak ${n % 9}`,
                });
              });
              const cursors = to.map(({ id }) => ({ subscriptionId: id, cursor: { uid } })).reverse();
              const hold = holds[worker % 2]!;
              await ledger.record({ hold, messages: messages.reverse(), cursors });
              await ledger.reportSource(hold, { state: 'idle', connection: 'idling', synced: true });
            }
            const asked = round % 3 === 0 ? [...ids].reverse() : [ids[round % 2]!];
            const leaseMs = round % 5 === 0 ? 0 : 50;
            const { runs } = await ledger.offer({
              subscriptionIds: asked,
              mostRuns: 50,
              mailsPerRun: 4,
              leaseMs,
            });
            const pointers = runs.flatMap((run) => run.pointers).reverse();
            const renewed = ledger.renew([...pointers].reverse(), 'QUEUED', leaseMs);
            const claimed = await ledger.claim(pointers, `${worker}`, leaseMs);
            won += claimed.length;
            const kind = (['success', 'failure', 'gone'] as const)[round % 3]!;
            const outcome = kind === 'failure' ? { kind, error: 'it broke' } : { kind };
            await Promise.all([
              renewed,
              ledger.settle(pointers, outcome),
              ledger.renew(pointers, 'RUNNING', leaseMs),
              ...(round % 7 === 0
                ? [ledger.replay({ filter: { states: ['DEAD', 'GONE', 'UNKNOWN'] } })]
                : []),
              ...(round % 11 === 0 ? [ledger.markDone({ filter: { states: ['RETRY', 'DEAD'] } })] : []),
              ...(round % 5 === 0 ? [ledger.takeEnded(ids, 20)] : []),
              ...(round % 2 === 0 ? [act(ledger, holds[(worker + round) % 2]!, round)] : []),
              ...(round % 3 === 0 ? [ledger.renewHolds([...holds].reverse(), 60_000)] : []),
              ...(round % 6 === 0 ? [ledger.sweep(50)] : []),
              ...(round % 13 === 0 ? [ledger.forget({ filter: {} })] : []),
            ]);
          }
        };
        await Promise.all([...ledgers.map(work), hear(ledgers[0]!, () => performance.now() > end)]);
        await until('all changes are heard of', async () => {
          await hear(ledgers[1]!, () => true);
          const { rows } = await beside.query<{ n: number }>('select count(*) as n from change');
          assert.ok(heard.length < rows[0]!.n);
          return heard.length === rows[0]!.n - 1;
        });
        assert.equal(new Set(heard.map((change) => change.position)).size, heard.length, 'each once');
        const states = new Map(
          heard.flatMap(({ event, details: { state } }) => (event && state ? [[event, state]] : [])),
        );
        const { rows: stored } = await beside.query<{ id: string; state: string }>(
          'select id, state from event',
        );
        for (const { id, state } of stored)
          if (state === 'QUEUED') assert.ok(['PENDING', 'RETRY'].includes(states.get(id) as string));
          else assert.equal(states.get(id), state);
        assert.ok(won > 100 && acted > 50, `${won} won, ${acted} acted`);
        const { rows } = await beside.query(
          'select deadlocks from pg_stat_database where datname = current_database()',
        );
        assert.deepEqual(rows, [{ deadlocks: 0 }]);
      } finally {
        await Promise.all(ledgers.map((ledger) => ledger.close()));
      }
    }));
});

describe('a Postgres URL', () => {
  const read = (rest: string): PostgresSettings => settingsFromUrl(`postgres://${rest}`);

  it('gives each part, decoded', () => {
    assert.deepEqual(read('an%20n:p%40s%2Fs%25@db.example:5433/ma%20il?schema=x&sslmode=require'), {
      host: 'db.example',
      port: 5433,
      database: 'ma il',
      user: 'an n',
      password: 'p@s/s%',
      schema: 'x',
      tls: { rejectUnauthorized: true },
    });
    assert.deepEqual(settingsFromUrl('postgresql://u@[::1]/d?sslmode=no-verify'), {
      host: '::1',
      port: 5432,
      database: 'd',
      user: 'u',
      password: '',
      tls: { rejectUnauthorized: false },
    });
    assert.equal(read('u:p@localhost/d?host=/run/postgresql').host, '/run/postgresql');
    assert.equal(read('u:p@%2Frun%2Fpostgresql/d').host, '/run/postgresql');
    for (const mode of ['verify-ca', 'verify-full']) {
      assert.deepEqual(read(`u@h/d?sslmode=${mode}`).tls, { rejectUnauthorized: true });
    }
    assert.equal(read('u@h/d').tls, false);
    assert.equal(read('u@h/d?sslmode=disable').tls, false);
  });

  it('reads the certificates that are trusted from a file', async () => {
    const ca = (await selfSigned('db')).cert;
    const folder = await mkdtemp(join(tmpdir(), 'durable-mail-ca-'));
    try {
      const file = join(folder, 'ca.pem');
      await writeFile(file, ca);
      const { tls } = read(`u@h/d?sslmode=verify-full&sslrootcert=${encodeURIComponent(file)}`);
      assert.deepEqual(tls, { rejectUnauthorized: true, ca });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('that cannot be used is refused, without a word of it', () => {
    for (const [url, words] of [
      ['secret', /does not have the form/],
      ['mysql://u:secret@h/d', /does not have the form/],
      ['postgres://u:secret@h/', /names no database/],
      ['postgres://h/d', /names no user/],
      ['postgres://u:secret@h/d?sslmode=prefer', /sslmode must be one of: disable, require/],
      ['postgres://u:secret@h/d?sslmod=require', /a parameter that is not known; these are: sslmode/],
      ['postgres://u:12?secret@h/d', /a parameter that is not known/],
      ['postgres://u:secret@h/d?sslrootcert=/x', /does not ask for TLS/],
      ['postgres://u:secret@h/d?sslmode=require&sslrootcert=/no/such', /cannot be read/],
      ['postgres://u:secret%@h/d', /%25/],
      ['postgres://u:secret@h/d?schema=a%20b', /name of the Postgres schema/],
    ] as const) {
      assert.throws(
        () => settingsFromUrl(url),
        (error: Error) => words.test(error.message) && !error.message.includes('secret'),
        url,
      );
    }
  });
});
