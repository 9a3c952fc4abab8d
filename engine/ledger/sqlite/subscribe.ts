// Sources and subscriptions in the SQLite ledger: who listens to what, from where on, and how that goes.
import { subscriptionKey } from '../keys';
import type {
  Cursor,
  NewSubscription,
  NodeSubscription,
  SourceKey,
  SourceReport,
  Subscription,
} from '../ledger';
import type { MailAction } from '../mail-actions';
import type { SourceHold } from '../source-holds';
import { NOW, type SqliteConnection } from './connection';
import { followSettings } from './mail-actions';

const upsertSource = `
  insert into source (kind, account, mailbox) values (?, ?, ?)
  on conflict (kind, account, mailbox) do update set kind = excluded.kind
  returning id`;

const upsertSubscription = `
  insert into subscription
    (key, workflow_id, node_id, source_id, retry_delays_ms, guarantee, keep_content_ms, retention_ms, after_success,
      when_dead, created_at)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ${NOW})
  on conflict (key) do update set
    retry_delays_ms = excluded.retry_delays_ms,
    guarantee = excluded.guarantee,
    keep_content_ms = excluded.keep_content_ms,
    retention_ms = excluded.retention_ms,
    after_success = excluded.after_success,
    when_dead = excluded.when_dead
  returning id, cursor, created_at as createdAt`;

const selectOfNode = `
  select id from subscription where workflow_id = ? and node_id = ? order by id`;

const selectSourcesOfNode = `
  select subscription.id, source.id as sourceId, source.kind, source.account, source.mailbox
  from subscription join source on source.id = subscription.source_id
  where workflow_id = ? and node_id = ? order by subscription.id`;

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
    const { id, cursor, createdAt } = connection.get<{
      id: number;
      cursor: string | null;
      createdAt: number;
    }>(
      upsertSubscription,
      subscriptionKey(subscription),
      workflowId,
      nodeId,
      sourceId,
      JSON.stringify(subscription.retryDelaysMs),
      subscription.guarantee,
      subscription.keepContentMs,
      subscription.retentionMs,
      actions.afterSuccess,
      actions.whenDead,
    )!;
    followSettings(connection, sourceId, id, actions);
    const ofNode = connection.all<{ id: number }>(selectOfNode, workflowId, nodeId);
    return { id, sourceId, cursor: parseCursor(cursor), createdAt, nodeIds: ofNode.map((row) => row.id) };
  });
}

export function subscriptionsOf(
  connection: SqliteConnection,
  workflowId: string,
  nodeId: string,
): NodeSubscription[] {
  const rows = connection.all<SourceKey & { id: number; sourceId: number }>(
    selectSourcesOfNode,
    workflowId,
    nodeId,
  );
  return rows.map(({ id, sourceId, ...source }) => ({ id, sourceId, source }));
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
