// Whether Postgres can wake other processes: behind a PgBouncer in transaction mode LISTEN is answered, and nothing is ever heard.
// Invariant: it is found out by trying, over connections of its own that are closed afterwards; a database that is away, or slow
// to connect to, is no answer.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { openPool } from './open';
import type { PostgresSettings } from './settings';

/** What was sent has to come back within so long; a second time it is given longer. */
const ANSWER_MS = [2_000, 5_000];

/** @throws Error: the database cannot be asked */
export async function canPostgresNotify(settings: PostgresSettings): Promise<boolean> {
  // One listens; what another sends does not come over the listener's own by chance.
  const pool = await openPool(settings, { mostConnections: 2 });
  try {
    const client = await pool.connect();
    try {
      const channel = `durable_mail_probe_${randomUUID().replaceAll('-', '')}`;
      await client.query(`listen "${channel}"`);
      for (const ms of ANSWER_MS) {
        const heard = once(client, 'notification', { signal: AbortSignal.timeout(ms) }).then(
          () => true,
          () => false,
        );
        await pool.query('select pg_notify($1, $2)', [channel, '']);
        if (await heard) return true;
        // A listener whose connection was lost hears nothing either: then this rejects.
        await client.query('select 1');
      }
      // Behind a PgBouncer the server's connection lives on, and would go on listening.
      await client.query(`unlisten "${channel}"`);
      return false;
    } finally {
      client.release(true);
    }
  } finally {
    await pool.end();
  }
}
