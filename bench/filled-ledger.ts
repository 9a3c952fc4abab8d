// A ledger that has run for a while, as the statements that fill it, for benches.
import type { Ledger } from '../engine/ledger/ledger';
import type { NewMessage } from '../engine/ledger/recording';
import type { NewSubscription, Subscription } from '../engine/ledger/subscriptions';

interface Dialect {
  /** Gives the numbers from 1 as `n`. */
  readonly n: string;
  /** 40 hexadecimal digits. */
  readonly random: (seed: string) => string;
  /** A number in 12 hexadecimal digits. */
  readonly hex: (value: string) => string;
}

/**
 * A ledger that has run for a while: nearly all is DONE, little is DEAD, and people were told of it.
 * @param waits a ledger that has not: all is PENDING
 */
export function fillSql(
  size: number,
  to: Subscription,
  { n, random, hex }: Dialect,
  hasChanges: boolean,
  waits = false,
): string[] {
  // A mail every ten seconds, until now.
  const at = `(${Date.now() - size * 10_000} + n * 10000)`;
  const failed = 'n % 1000 = 0';
  const state = waits ? `'PENDING'` : `case when ${failed} then 'DEAD' else 'DONE' end`;
  const [columns, values] = waits
    ? [['due_at'], [at]]
    : [
        [
          ...['attempt', 'failures', 'run_id', 'execution_id'],
          ...['last_error', 'settled_at', 'reported_at'],
        ],
        [
          ...['1', `case when ${failed} then 1 else 0 end`, 'stamp || noise', 'n'],
          ...[`case when ${failed} then 'it broke' end`, `${at} + 3000`],
          `case when ${failed} then ${at} + 4000 end`,
        ],
      ];
  return [
    `insert into message
       (source_id, identity, soft_identity, header_message_id, sender, subject, uid, uid_validity, received_at,
         recorded_at, size)
     select ${to.sourceId}, 'uid:1700000000:' || n || ':INBOX', ${random('soft')},
       '<' || ${random('header')} || '@mail.sender.example>', 'customer.' || (n % 5000) || '@sender.example',
       'Your order number ' || n || ' is on its way to you', n, '1700000000', ${at}, ${at}, 20000 + n % 50000
     from (${n}) numbers order by n`,
    `insert into event
      (id, subscription_id, message_id, identity, soft_identity, idempotency_key, state, created_at,
         ${columns.join(', ')})
     select substr(stamp, 1, 8) || '-' || substr(stamp, 9, 4) || '-7' || substr(noise, 1, 3) || '-8' ||
         substr(noise, 4, 3) || '-' || substr(noise, 7, 12),
       ${to.id}, id, identity, soft_identity, noise, ${state}, ${at}, ${values.join(', ')}
     from (
       select id, uid as n, identity, soft_identity, ${hex('recorded_at')} as stamp,
         substr(soft_identity, 21) || substr(header_message_id, 2, 20) as noise
       from message) messages order by n`,
    // What a day of such mails leaves.
    ...(hasChanges ? [`delete from change where id <= (select max(id) from change) - 25000`] : []),
  ];
}

export const onPostgres = (size: number): Dialect => ({
  n: `select n from generate_series(1::bigint, ${size}) n`,
  random: (seed) => `substr(md5('${seed}' || n) || md5('${seed}2' || n), 1, 40)`,
  hex: (value) => `lpad(to_hex(${value}), 12, '0')`,
});

export const onSqlite = (size: number): Dialect => ({
  n: `with recursive count (n) as (select 1 union all select n + 1 from count where n < ${size}) select n from count`,
  random: () => 'lower(hex(randomblob(20)))',
  hex: (value) => `printf('%012x', ${value})`,
});

export const subscribe = (ledger: Ledger, more: Partial<NewSubscription> = {}): Promise<Subscription> =>
  ledger.subscribe({
    workflowId: 'workflow',
    nodeId: 'node',
    source: { kind: 'imap', account: 'ann@mail.example', mailbox: 'INBOX' },
    retryDelaysMs: [30_000, 60_000, 300_000],
    guarantee: 'atLeastOnce',
    keepContentMs: 0,
    retentionMs: 90 * 86_400_000,
    afterSuccess: null,
    whenDead: null,
    ...more,
  });

const CONTENT = Buffer.from(Array.from({ length: 4_000 }, () => Math.floor(Math.random() * 256)));
let mails = 0;

/** One that comes now. */
export function newMail(name: string, to: Subscription): NewMessage {
  const uid = 2_000_000 + ++mails;
  return {
    identity: `uid:1700000000:${uid}:INBOX`,
    softIdentity: Array.from({ length: 40 }, () => Math.floor(Math.random() * 16).toString(16)).join(''),
    accountWide: false,
    weakIdentity: null,
    messageId: `<${name}.${uid}@mail.sender.example>`,
    sender: `customer.${uid % 5_000}@sender.example`,
    subject: `Your order number ${uid} is on its way to you`,
    uid,
    uidValidity: '1700000000',
    receivedAt: Date.now(),
    size: 20_000,
    content: CONTENT,
    due: [to.id],
  };
}
