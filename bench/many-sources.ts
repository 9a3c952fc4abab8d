// A ledger in Postgres that many workflows have used for long, as quickly as it can be made: its rows are those that the ledger
// itself would have written, and its indexes are made when they are there.
import type { Client } from 'pg';
import type { Subscription } from '../engine/ledger/subscriptions';
import { fillSql, onPostgres } from './filled-ledger';

export const SUBSCRIPTIONS_A_SOURCE = 10;
const MAILBOXES_AN_ACCOUNT = 10;

interface Many {
  readonly sources: number;
  readonly events: number;
  /** The rows of its subscription, and of its source, are copied. */
  readonly like: Subscription;
}

/** @param client a superuser, in the ledger's schema */
export async function fillMany(client: Client, { sources, events, like }: Many): Promise<void> {
  const run = (sql: string): Promise<unknown> => client.query(sql);
  await run(
    "set synchronous_commit = off; set jit = off; set maintenance_work_mem = '512MB'; set work_mem = '256MB'",
  );
  // Neither triggers nor foreign keys: nobody has to be told of mails of years ago.
  await run('set session_replication_role = replica');
  await copies(
    client,
    'source',
    `'account' || (n / ${MAILBOXES_AN_ACCOUNT}) || '@mail.example' as account, 'Folder ' || n as mailbox`,
    sources,
    like.sourceId,
  );
  const firstSource = `(select min(id) from source where id <> ${like.sourceId})`;
  await copies(
    client,
    'subscription',
    `'many ' || n as key, 'workflow' || n as workflow_id, 'node' as node_id,
     ${firstSource} + n % ${sources} as source_id`,
    sources * SUBSCRIPTIONS_A_SOURCE,
    like.id,
  );
  const firstSubscription = `(select min(id) from subscription where id <> ${like.id})`;
  await withoutIndexes(client, ['message', 'event'], async () => {
    const [messages, eventsSql] = fillSql(events, like, onPostgres(events), false);
    await run(messages!.replace(`select ${like.sourceId},`, `select ${firstSource} + n % ${sources},`));
    // Each mail is one subscription's, of its source.
    await run(
      eventsSql!.replace(
        `${like.id}, id, identity`,
        `${firstSubscription} + n % ${sources * SUBSCRIPTIONS_A_SOURCE}, id, identity`,
      ),
    );
  });
  await run('set session_replication_role = default');
  await run('vacuum (analyze)');
  await run('checkpoint');
}

/** Rows like one that is there, but for what is named. @param changed SQL, by `n` from 1 */
async function copies(
  client: Client,
  table: string,
  changed: string,
  count: number,
  id: number,
): Promise<void> {
  const names = [...changed.matchAll(/ as (\w+)/g)].map(([, name]) => name!);
  const { rows } = await client.query<{ name: string }>(
    `select column_name as name from information_schema.columns
     where table_schema = 'durable_mail' and table_name = $1 and is_identity = 'NO' and is_generated = 'NEVER'`,
    [table],
  );
  const kept = rows.map(({ name }) => name).filter((name) => !names.includes(name));
  const cut = changed.replace(/ as \w+/g, '');
  await client.query(
    `insert into ${table} (${[...names, ...kept].join(', ')})
     select ${[cut, ...kept.map((name) => `${table}.${name}`)].join(', ')}
     from ${table}, generate_series(1, ${count}) n where ${table}.id = ${id} order by n`,
  );
}

/** They are made anew behind it, which is much quicker than with each row. Constraints stay. */
async function withoutIndexes(
  client: Client,
  tables: readonly string[],
  work: () => Promise<void>,
): Promise<void> {
  const { rows } = await client.query<{ name: string; made: string }>(
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as made
     from pg_index where indrelid = any($1::text[]::regclass[])
       and not exists (select 1 from pg_constraint where conindid = indexrelid)`,
    [tables],
  );
  for (const { name } of rows) await client.query(`drop index ${name}`);
  await work();
  for (const { made } of rows) await client.query(made);
}
