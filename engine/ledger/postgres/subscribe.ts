// Subscriptions and their sources in Postgres: made or found again, where they stand, how they are doing.
// Invariant: a source is locked before its subscriptions.
import { parseCursor, storedErrand } from '../common/stored';
import { subscriptionKey } from '../keys';
import { SERVED_MS } from '../serving';
import type { Subscriptions } from '../subscriptions';
import { NOW } from './connection';
import { followSettings } from './errands';
import { heritage, inherit, withoutDoubles } from './heritage';
import type { Method, Part } from './part';
import { subscriptionsOf } from './subscriptions-of';

const upsertSource = `
  insert into durable_mail.source as source (kind, account, mailbox) values ($1, $2, $3)
  on conflict (kind, account, mailbox) do update set kind = excluded.kind
  returning id`;

// What was wrong before is said anew if it still is.
const upsertSubscription = `
  with said as (
    delete from durable_mail.complaint using durable_mail.subscription
    where subscription.key = $1 and complaint.subscription_id = subscription.id)
  insert into durable_mail.subscription as subscription
    (key, workflow_id, node_id, source_id, retry_delays_ms, guarantee, keep_content_ms, retention_ms, after_success,
      when_dead, node_name, reading, created_at, served_since, served_until)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, ${NOW}, ${NOW}, ${NOW} + ${SERVED_MS})
  on conflict (key) do update set
    node_id = excluded.node_id,
    node_name = coalesce(excluded.node_name, subscription.node_name),
    served_since = excluded.served_since,
    served_until = excluded.served_until,
    unserved_told = 0,
    retry_delays_ms = excluded.retry_delays_ms,
    guarantee = excluded.guarantee,
    keep_content_ms = excluded.keep_content_ms,
    retention_ms = excluded.retention_ms,
    after_success = excluded.after_success,
    when_dead = excluded.when_dead,
    reading = excluded.reading
  returning id, cursor, created_at as "createdAt"`;

const selectOfNode = `
  select id from durable_mail.subscription where workflow_id = $1 and node_id = $2 order by id`;

const selectCursors = `select id, cursor from durable_mail.subscription where id = any($1)`;

const subscribe: Method<'subscribe'> = (connection, subscription) => {
  const { workflowId, nodeId } = subscription;
  const { kind, account, mailbox } = subscription.source;
  const actions = {
    afterSuccess: storedErrand(subscription.afterSuccess),
    whenDead: storedErrand(subscription.whenDead),
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
      subscription.reading ? JSON.stringify(subscription.reading) : null,
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
};

const cursors: Method<'cursors'> = async (connection, ids) => {
  if (ids.length === 0) return new Map();
  const rows = await connection.all<{ id: number; cursor: string | null }>(selectCursors, ids);
  return new Map(rows.map((row) => [row.id, parseCursor(row.cursor)]));
};

export const subscriptions: Part<Subscriptions> = { subscribe, subscriptionsOf, heritage, cursors };
