// The writing half of the Postgres ledger: messages, their content, their events and the cursors past them.
// Invariant: locks are taken in one order: a source, nodes, its messages, subscriptions by id. Whoever records holds
// its source's lock, so that two processes on one mailbox record one after the other.
import { toUSVString } from 'node:util';
import { idempotencyKey } from '../../mail/identity';
import { newEventId } from '../event-id';
import { LedgerFault } from '../fault';
import type { NewMessage, RecordBatch } from '../ledger';
import type { EventState } from '../states';
import { NOW, type PostgresConnection, type Statements, withoutNul } from './connection';
import { lost } from './hold';
import { unrecorded } from './unrecorded';

const lockSource = `
  with locked as materialized (
    select id from durable_mail.source where id = $1 and fence = $2 for no key update)
  select subscription.id, subscription.key
  from locked left join durable_mail.subscription on subscription.id = any($3)`;

// Two mailboxes of an account may announce one mail at once: what a node takes from them is recorded one after the
// other. It is no row's lock, so that offers of the node do not wait.
const lockNodes = `
  select pg_advisory_xact_lock(1936090986, node.key)
  from (
    select distinct hashtext(workflow_id || ' ' || node_id) as key
    from durable_mail.subscription where id = any($1) order by 1) node`;

// A mail that is known is held, so that no sweep deletes it before it has its new events.
const insertMessages = `
  with known as materialized (
    select id, identity from durable_mail.message
    where source_id = $1 and identity = any($2)
    order by id for key share),
  added as (
    insert into durable_mail.message
      (source_id, identity, soft_identity, header_message_id, sender, subject, uid, uid_validity, received_at, size,
        weak_identity, recorded_at)
    select $1, mail.*, ${NOW}
    from unnest(
      $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::bigint[],
      $10::bigint[], $11::text[])
      mail (identity, soft_identity, header, sender, subject, uid, uid_validity, received_at, size, weak_identity)
    where mail.identity not in (select identity from known)
    returning id, identity)
  select id, identity from known union all select id, identity from added`;

const insertEvents = `
  insert into durable_mail.event
    (id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, due_at, settled_at, created_at)
  select mail.id, subscription_id, message_id, identity, soft_identity, idempotency_key,
    case when gone then 'GONE' else 'PENDING' end, case when not gone then ${NOW} end, case when gone then ${NOW} end, ${NOW}
  from unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::boolean[])
    mail (id, subscription_id, message_id, identity, soft_identity, idempotency_key, gone)
  on conflict do nothing
  returning subscription_id as "subscriptionId", state`;

// The contents come as one value, end to end: an array of them would double on the wire.
const insertContents = `
  insert into durable_mail.content (message_id, gzip)
  select part.message_id, substring($1::bytea from part.first for part.length)
  from unnest($2::bigint[], $3::int[], $4::int[]) part (message_id, first, length)
  on conflict (message_id) do update set drop_at = null`;

const moveCursors = `
  with locked as materialized (
    select id from durable_mail.subscription where id = any($1) order by id for no key update)
  update durable_mail.subscription set cursor = moved.cursor
  from locked join unnest($1::bigint[], $2::text[]) moved (id, cursor) on moved.id = locked.id
  where subscription.id = locked.id`;

export function record(connection: PostgresConnection, batch: RecordBatch): Promise<number[]> {
  return connection.transaction(async (statements) => {
    const due = [...new Set(batch.messages.flatMap((message) => message.due))];
    const { sourceId, fence } = batch.hold;
    const rows = await statements.all<{ id: number; key: string }>(lockSource, sourceId, fence, due);
    if (rows.length === 0) throw await lost(statements, batch.hold);
    const keys = new Map(rows.map((row) => [row.id, row.key]));
    const missing = due.find((id) => !keys.has(id));
    if (missing !== undefined) {
      throw new LedgerFault('other', `Mail is due to a subscription that is not in the ledger: ${missing}.`);
    }
    if (batch.messages.some(({ accountWide }) => accountWide)) await statements.run(lockNodes, due);
    const news = withoutTwins(await unrecorded(statements, batch.messages.map(asStored)));
    const withNews = news.length > 0 ? await recordNews(statements, sourceId, news, keys) : [];
    if (batch.cursors.length > 0) {
      await statements.run(
        moveCursors,
        batch.cursors.map(({ subscriptionId }) => subscriptionId),
        batch.cursors.map(({ cursor }) => JSON.stringify(cursor)),
      );
    }
    return withNews;
  });
}

/** @returns the subscriptions that have new events */
async function recordNews(
  statements: Statements,
  sourceId: number,
  news: readonly NewMessage[],
  keys: ReadonlyMap<number, string>,
): Promise<number[]> {
  const mails = [...new Map(news.map((mail) => [mail.identity, mail])).values()];
  const rows = await statements.all<{ id: number; identity: string }>(
    insertMessages,
    sourceId,
    mails.map(({ identity }) => identity),
    mails.map(({ softIdentity }) => softIdentity),
    mails.map(({ messageId }) => messageId),
    mails.map(({ sender }) => sender),
    mails.map(({ subject }) => subject),
    mails.map(({ uid }) => uid),
    mails.map(({ uidValidity }) => uidValidity),
    mails.map(({ receivedAt }) => (Number.isFinite(receivedAt) ? Math.round(receivedAt!) : null)),
    mails.map(({ size }) => size),
    mails.map(({ weakIdentity }) => weakIdentity),
  );
  const messageIds = new Map(rows.map((row) => [row.identity, row.id]));
  const events = news.flatMap((mail) => mail.due.map((id) => ({ mail, id })));
  const inserted = await statements.all<{ subscriptionId: number; state: EventState }>(
    insertEvents,
    events.map(() => newEventId()),
    events.map(({ id }) => id),
    events.map(({ mail }) => messageIds.get(mail.identity)!),
    events.map(({ mail }) => mail.identity),
    events.map(({ mail }) => mail.softIdentity),
    events.map(({ id, mail }) => idempotencyKey(keys.get(id)!, mail.identity)),
    events.map(({ mail }) => mail.gone === true),
  );
  await storeContents(
    statements,
    mails.flatMap(({ identity, content }) =>
      content === null ? [] : [{ id: messageIds.get(identity)!, content }],
    ),
  );
  return [
    ...new Set(inserted.flatMap(({ subscriptionId, state }) => (state === 'GONE' ? [] : subscriptionId))),
  ];
}

async function storeContents(
  statements: Statements,
  mails: readonly { readonly id: number; readonly content: Buffer }[],
): Promise<void> {
  if (mails.length === 0) return;
  let next = 1;
  const firsts = mails.map(({ content }) => (next += content.length) - content.length);
  await statements.run(
    insertContents,
    Buffer.concat(mails.map(({ content }) => content)),
    mails.map(({ id }) => id),
    firsts,
    mails.map(({ content }) => content.length),
  );
}

/** Its identities as they come back: without what Postgres cannot store. */
const asStored = (mail: NewMessage): NewMessage => ({
  ...mail,
  identity: toUSVString(withoutNul(mail.identity)),
  softIdentity: mail.softIdentity && toUSVString(withoutNul(mail.softIdentity)),
  weakIdentity: mail.weakIdentity && toUSVString(withoutNul(mail.weakIdentity)),
});

/** A mail that is in the batch twice, by its identity or by its soft one, is due to a subscription once. */
function withoutTwins(mails: readonly NewMessage[]): NewMessage[] {
  const taken = new Set<string>();
  return mails.flatMap((mail) => {
    const due = mail.due.filter((id) => {
      const names = [`${id} ${mail.identity}`];
      if (mail.softIdentity !== null) names.push(`${id} soft ${mail.softIdentity}`);
      if (names.some((name) => taken.has(name))) return false;
      names.forEach((name) => taken.add(name));
      return true;
    });
    return due.length > 0 ? [{ ...mail, due }] : [];
  });
}
