// n8n's queue mode: a main process that listens, workers that run.

/** A worker or a webhook process: whatever else is set, what it runs or hears was listened for by another process. */
export const isHelper = (): boolean => ['worker', 'webhook'].includes(process.argv[2] ?? '');

export const isQueueMode = (): boolean => process.env['EXECUTIONS_MODE'] === 'queue' || isHelper();

/** SQLite serves one process; in queue mode the runs are in others. */
export const QUEUE_MODE_NEEDS_POSTGRES =
  'Queue mode needs a mail ledger that main and workers share: a Postgres database. Choose Postgres under ' +
  '"Where Emails Are Kept" in this node, or set DURABLE_MAIL_POSTGRES_URL for the main process and all workers.';
