// Subscriptions and their sources in Postgres: made or found again, where they stand, how they are doing.
// Invariant: a source is locked before its subscriptions.
import { subscriptionKey } from '../keys';
import type { Cursor, NewSubscription, SourceReport, Subscription } from '../ledger';
import type { MailAction } from '../mail-actions';
import { SERVED_MS } from '../serving';
import type { SourceHold } from '../source-holds';
import { NOW, type PostgresConnection } from './connection';
import { inherit, withoutDoubles } from './heritage';
import { followSettings } from './mail-actions';

const upsertSource = `
  insert into durable_mail.source as source (kind, account, mailbox) values ($1, $2, $3)
  on conflict (kind, account, mailbox) do update set kind = excluded.kind
  returning id`;

const upsertSubscription = `
  insert into durable_mail.subscription as subscription
    (key, workflow_id, node_id, source_id, retry_delays_ms, guarantee, keep_content_ms, retention_ms, after_success,
      when_dead, node_name, created_at, served_until)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, ${NOW}, ${NOW} + ${SERVED_MS})
  on conflict (key) do update set
    node_id = excluded.node_id,
    node_name = coalesce(excluded.node_name, subscription.node_name),
    served_until = excluded.served_until,
    unserved_told = 0,
    retry_delays_ms = excluded.retry_delays_ms,
    guarantee = excluded.guarantee,
    keep_content_ms = excluded.keep_content_ms,
    retention_ms = excluded.retention_ms,
    after_success = excluded.after_success,
    when_dead = excluded.when_dead
  returning id, cursor, created_at as "createdAt"`;

const selectOfNode = `
  select id from durable_mail.subscription where workflow_id = $1 and node_id = $2 order by id`;

const selectCursors = `select id, cursor from durable_mail.subscription where id = any($1)`;

const updateSource = `
  update durable_mail.source set
    state = $2,
    connection = $3,
    last_error = coalesce($4, last_error),
    last_error_at = case when $4::text is null then last_error_at else ${NOW} end,
    last_success_at = case when $5 then ${NOW} else last_success_at end,
    backfill_read = case when $6 then $7::bigint else backfill_read end,
    backfill_left = case when $6 then $8::bigint else backfill_left end,
    recovered = coalesce($9::bigint, recovered),
    recovered_at = case when $9::bigint is null then recovered_at else ${NOW} end,
    notified_until = case when $10 then $11::bigint else notified_until end
  where id = $1 and fence = $12`;

export function subscribe(
  connection: PostgresConnection,
  subscription: NewSubscription,
): Promise<Subscription> {
  const { workflowId, nodeId } = subscription;
  const { kind, account, mailbox } = subscription.source;
  const actions = {
    afterSuccess: storedAction(subscription.afterSuccess),
    whenDead: storedAction(subscription.whenDead),
  };
  return connection.transaction(async (statements) => {
    const source = (await statements.get<{ id: number }>(upsertSource, kind, account, mailbox))!;
    const key = subscriptionKey(subscription);
    await inherit(statements, subscription, source.id, key);
    const row = (await statements.get<{ id: number; cursor: string | null; createdAt: number }>(
      upsertSubscription,
      key,
      workflowId,
      nodeId,
      source.id,
      JSON.stringify(subscription.retryDelaysMs.map(Math.round)),
      subscription.guarantee,
      Math.round(subscription.keepContentMs),
      Math.round(subscription.retentionMs),
      actions.afterSuccess,
      actions.whenDead,
      subscription.nodeName ?? null,
    ))!;
    await withoutDoubles(statements, row.id);
    await followSettings(statements, source.id, row.id, actions);
    const ofNode = await statements.all<{ id: number }>(selectOfNode, workflowId, nodeId);
    return {
      id: row.id,
      sourceId: source.id,
      cursor: parseCursor(row.cursor),
      createdAt: row.createdAt,
      nodeIds: ofNode.map(({ id }) => id),
    };
  });
}

export async function cursors(
  connection: PostgresConnection,
  ids: readonly number[],
): Promise<Map<number, Cursor | null>> {
  if (ids.length === 0) return new Map();
  const rows = await connection.all<{ id: number; cursor: string | null }>(selectCursors, ids);
  return new Map(rows.map((row) => [row.id, parseCursor(row.cursor)]));
}

export async function reportSource(
  connection: PostgresConnection,
  hold: SourceHold,
  report: SourceReport,
): Promise<void> {
  await connection.run(
    updateSource,
    hold.sourceId,
    report.state,
    report.connection,
    report.error ?? null,
    report.synced ?? false,
    report.backfill !== undefined,
    report.backfill?.read ?? null,
    report.backfill?.left ?? null,
    report.recovered ?? null,
    report.notifiedUntil !== undefined,
    report.notifiedUntil ?? null,
    hold.fence,
  );
}

const storedAction = (action: MailAction | null): string | null => (action ? JSON.stringify(action) : null);

const parseCursor = (cursor: string | null): Cursor | null =>
  cursor ? (JSON.parse(cursor) as Cursor) : null;
