// Sources and subscriptions in the SQLite ledger: who listens to what, from where on, and how that goes.
import { subscriptionKey } from '../keys';
import type { Cursor, NewSubscription, SourceReport, Subscription } from '../ledger';
import type { MailAction } from '../mail-actions';
import { SERVED_MS } from '../serving';
import type { SourceHold } from '../source-holds';
import { NOW, type SqliteConnection } from './connection';
import { inherit, withoutDoubles } from './heritage';
import { followSettings } from './mail-actions';

const upsertSource = `
  insert into source (kind, account, mailbox) values (?, ?, ?)
  on conflict (kind, account, mailbox) do update set kind = excluded.kind
  returning id`;

const upsertSubscription = `
  insert into subscription
    (key, workflow_id, node_id, source_id, retry_delays_ms, guarantee, keep_content_ms, retention_ms, after_success,
      when_dead, node_name, created_at, served_until)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ${NOW}, ${NOW} + ${SERVED_MS})
  on conflict (key) do update set
    node_id = excluded.node_id,
    node_name = coalesce(excluded.node_name, node_name),
    served_until = excluded.served_until,
    unserved_told = 0,
    retry_delays_ms = excluded.retry_delays_ms,
    guarantee = excluded.guarantee,
    keep_content_ms = excluded.keep_content_ms,
    retention_ms = excluded.retention_ms,
    after_success = excluded.after_success,
    when_dead = excluded.when_dead
  returning id, cursor, created_at as createdAt`;

// One row: a trigger with thousands of mailboxes subscribes to them one after the other.
const selectOfNode = `
  select json_group_array(id) as ids from (
    select id from subscription where workflow_id = ? and node_id = ? order by id)`;

const selectCursors = `select id, cursor from subscription where id in (select value from json_each(?))`;

const updateSource = `
  update source set
    state = ?1,
    connection = ?2,
    last_error = coalesce(?3, last_error),
    last_error_at = iif(?3 is null, last_error_at, ${NOW}),
    last_success_at = iif(?4, ${NOW}, last_success_at),
    backfill_read = iif(?5, ?6, backfill_read),
    backfill_left = iif(?5, ?7, backfill_left),
    recovered = coalesce(?8, recovered),
    recovered_at = iif(?8 is null, recovered_at, ${NOW}),
    notified_until = iif(?9, ?10, notified_until)
  where id = ?11 and fence = ?12`;

export function subscribe(connection: SqliteConnection, subscription: NewSubscription): Subscription {
  const { workflowId, nodeId, source } = subscription;
  const actions = {
    afterSuccess: storedAction(subscription.afterSuccess),
    whenDead: storedAction(subscription.whenDead),
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
      JSON.stringify(subscription.retryDelaysMs),
      subscription.guarantee,
      subscription.keepContentMs,
      subscription.retentionMs,
      actions.afterSuccess,
      actions.whenDead,
      subscription.nodeName ?? null,
    )!;
    withoutDoubles(connection, id);
    followSettings(connection, sourceId, id, actions);
    const { ids } = connection.get<{ ids: string }>(selectOfNode, workflowId, nodeId)!;
    const nodeIds = JSON.parse(ids) as number[];
    return { id, sourceId, cursor: parseCursor(cursor), createdAt, nodeIds };
  });
}

export function cursors(connection: SqliteConnection, ids: readonly number[]): Map<number, Cursor | null> {
  const rows = connection.all<{ id: number; cursor: string | null }>(selectCursors, JSON.stringify(ids));
  return new Map(rows.map((row) => [row.id, parseCursor(row.cursor)]));
}

export function reportSource(connection: SqliteConnection, hold: SourceHold, report: SourceReport): void {
  connection.run(
    updateSource,
    report.state,
    report.connection,
    report.error ?? null,
    report.synced ? 1 : 0,
    report.backfill === undefined ? 0 : 1,
    report.backfill?.read ?? null,
    report.backfill?.left ?? null,
    report.recovered ?? null,
    report.notifiedUntil === undefined ? 0 : 1,
    report.notifiedUntil ?? null,
    hold.sourceId,
    hold.fence,
  );
}

const storedAction = (action: MailAction | null): string | null => (action ? JSON.stringify(action) : null);

const parseCursor = (cursor: string | null): Cursor | null =>
  cursor ? (JSON.parse(cursor) as Cursor) : null;
