// Sources and subscriptions in the SQLite ledger: who listens to what, from where on, and how that goes.
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
  insert into source (kind, account, mailbox) values (?, ?, ?)
  on conflict (kind, account, mailbox) do update set kind = excluded.kind
  returning id`;

const upsertSubscription = `
  insert into subscription
    (key, workflow_id, node_id, source_id, retry_delays_ms, guarantee, keep_content_ms, retention_ms, after_success,
      when_dead, node_name, reading, created_at, served_since, served_until)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ${NOW}, ${NOW}, ${NOW} + ${SERVED_MS})
  on conflict (key) do update set
    node_id = excluded.node_id,
    node_name = coalesce(excluded.node_name, node_name),
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
  returning id, cursor, created_at as createdAt`;

const deleteComplaints = `delete from complaint where subscription_id = ?`;

// One row: a trigger with thousands of mailboxes subscribes to them one after the other.
const selectOfNode = `
  select json_group_array(id) as ids from (
    select id from subscription where workflow_id = ? and node_id = ? order by id)`;

const selectCursors = `select id, cursor from subscription where id in (select value from json_each(?))`;

const subscribe: Method<'subscribe'> = (connection, subscription) => {
  const { workflowId, nodeId, source } = subscription;
  const actions = {
    afterSuccess: storedErrand(subscription.afterSuccess),
    whenDead: storedErrand(subscription.whenDead),
  };
  return connection.transaction(() => {
    const { id: sourceId } = connection.get<{ id: number }>(
      upsertSource,
      source.kind,
      source.account,
      source.mailbox,
    )!;
    const key = subscriptionKey(subscription);
    inherit(connection, subscription, sourceId, key);
    const { id, cursor, createdAt } = connection.get<{
      id: number;
      cursor: string | null;
      createdAt: number;
    }>(
      upsertSubscription,
      key,
      workflowId,
      nodeId,
      sourceId,
      JSON.stringify(subscription.retryDelaysMs.map(Math.round)),
      subscription.guarantee,
      Math.round(subscription.keepContentMs),
      Math.round(subscription.retentionMs),
      actions.afterSuccess,
      actions.whenDead,
      subscription.nodeName ?? null,
      subscription.reading ? JSON.stringify(subscription.reading) : null,
    )!;
    // What was wrong before is said anew if it still is.
    connection.run(deleteComplaints, id);
    withoutDoubles(connection, id);
    followSettings(connection, sourceId, id, actions);
    const { ids } = connection.get<{ ids: string }>(selectOfNode, workflowId, nodeId)!;
    const nodeIds = JSON.parse(ids) as number[];
    return { id, sourceId, cursor: parseCursor(cursor), createdAt, nodeIds };
  });
};

const cursors: Method<'cursors'> = (connection, ids) => {
  const rows = connection.all<{ id: number; cursor: string | null }>(selectCursors, JSON.stringify(ids));
  return new Map(rows.map((row) => [row.id, parseCursor(row.cursor)]));
};

export const subscriptions: Part<Subscriptions> = { subscribe, subscriptionsOf, heritage, cursors };
