// The writing half of the Postgres ledger: messages, their content, their events and the cursors past them.
// Invariant: locks are taken in one order: a source, nodes, its messages, subscriptions by id. Whoever records holds
// its source's lock, so that two processes on one mailbox record one after the other.
import { idempotencyKey } from '../../mail/identity';
import { inPieces } from '../../runtime/turns';
import { newEventId } from '../common/event-id';
import { type PackedContent, piecesOf } from '../content';
import { newestOf } from '../common/newest';
import { storableJson, storableMessage } from '../common/storable';
import { withoutTwins } from '../common/twins';
import { noSubscriptionFault } from '../fault';
import type { PackedMessage, Recording } from '../recording';
import type { EventState } from '../states';
import { NOW, type Statements } from './connection';
import { lost } from './hold';
import type { Method, Part } from './part';
import { lookUp, unrecorded } from './unrecorded';

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
  told as (
    -- One that was there before the trigger listened came when it came; none comes in days to come.
    update durable_mail.source set last_mail_at = least(greatest(last_mail_at, coalesce($12::bigint, ${NOW})), ${NOW}) where id = $1),
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
  insert into durable_mail.content (message_id, gzip, pieces)
  select part.message_id, substring($1::bytea from part.first for part.length), part.pieces
  from unnest($2::bigint[], $3::int[], $4::int[], $5::int[]) part (message_id, first, length, pieces)
  on conflict (message_id) do update set drop_at = null`;

// Of a content that is there already, all that is read of it is there: `pieces` says how many are.
const insertPiece = `
  insert into durable_mail.content_piece (message_id, place, gzip) values ($1, $2, $3)
  on conflict (message_id, place) do nothing`;

const moveCursors = `
  with locked as materialized (
    select id from durable_mail.subscription where id = any($1) order by id for no key update)
  update durable_mail.subscription set cursor = moved.cursor
  from locked join unnest($1::bigint[], $2::text[]) moved (id, cursor) on moved.id = locked.id
  where subscription.id = locked.id`;

const record: Method<'record'> = async (connection, batch) => {
  // Before anything is locked.
  const messages = await inPieces(batch.messages, (mail) => Promise.resolve(storableMessage(mail)));
  return connection.transaction(async (statements) => {
    const due = [...new Set(messages.flatMap((message) => message.due))];
    const { sourceId, fence } = batch.hold;
    const rows = await statements.all<{ id: number; key: string }>(lockSource, sourceId, fence, due);
    if (rows.length === 0) throw await lost(statements, batch.hold);
    const keys = new Map(rows.map((row) => [row.id, row.key]));
    const missing = due.find((id) => !keys.has(id));
    if (missing !== undefined) throw noSubscriptionFault(missing);
    if (messages.some(({ accountWide }) => accountWide)) await statements.run(lockNodes, due);
    const news = withoutTwins(await unrecorded(statements, messages));
    const withNews = news.length > 0 ? await recordNews(statements, sourceId, news, keys) : [];
    if (batch.cursors.length > 0) {
      await statements.run(
        moveCursors,
        batch.cursors.map(({ subscriptionId }) => subscriptionId),
        batch.cursors.map(({ cursor }) => storableJson(cursor)),
      );
    }
    return withNews;
  });
};

/** @returns the subscriptions that have new events */
async function recordNews(
  statements: Statements,
  sourceId: number,
  news: readonly PackedMessage[],
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
    mails.map(({ receivedAt }) => receivedAt),
    mails.map(({ size }) => size),
    mails.map(({ weakIdentity }) => weakIdentity),
    newestOf(mails),
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
  mails: readonly { readonly id: number; readonly content: PackedContent }[],
): Promise<void> {
  if (mails.length === 0) return;
  const packed = mails.map(({ content }) => piecesOf(content));
  const firsts = packed.map((pieces) => pieces[0]!);
  let next = 1;
  const places = firsts.map(({ length }) => (next += length) - length);
  await statements.run(
    insertContents,
    Buffer.concat(firsts),
    mails.map(({ id }) => id),
    places,
    firsts.map(({ length }) => length),
    packed.map(({ length }) => length),
  );
  for (const [mail, pieces] of packed.entries())
    for (const [place, piece] of pieces.entries())
      if (place > 0) await statements.run(insertPiece, mails[mail]!.id, place, piece);
}

export const recording: Part<Recording> = { unrecorded: lookUp, record };
