// Loaded into each thread of a SQLite ledger by seen-threads.ts: tells what is sent to SQLite there, and sends more.
const { appendFileSync } = require('node:fs');
const { DatabaseSync, StatementSync } = require('node:sqlite');
const { BroadcastChannel, getEnvironmentData } = require('node:worker_threads');

/** @type {{ count: Int32Array, asked: Int32Array, texts: string, channel: string }} */
const { count, asked, texts, channel } = /** @type {any} */ (getEnvironmentData('durable-mail-tests'));

/** @type {InstanceType<typeof DatabaseSync> | undefined} */
let last;
const told = new Set();
let askedLast = 0;

/**
 * Looks on while a method of all objects of a class is called.
 * @param {any} prototype
 * @param {string} name
 * @param {(on: any) => void} seen
 */
function spy(prototype, name, seen) {
  const original = prototype[name];
  Object.defineProperty(prototype, name, {
    /** @this {any} @param {unknown[]} parameters */
    value(...parameters) {
      Atomics.add(count, 0, 1);
      seen(this);
      return original.apply(this, parameters);
    },
  });
}

for (const name of ['all', 'get', 'run']) {
  spy(StatementSync.prototype, name, ({ sourceSQL }) => {
    const asking = Atomics.load(asked, 0);
    if (asking !== askedLast) told.clear();
    askedLast = asking;
    if (told.has(sourceSQL)) return;
    told.add(sourceSQL);
    appendFileSync(texts, `${JSON.stringify(sourceSQL)}\n`);
  });
}
spy(DatabaseSync.prototype, 'exec', (database) => (last = database));

const orders = new BroadcastChannel(channel);
orders.onmessage = (/** @type {any} */ { data }) => {
  if (data.sql === undefined || !last) return;
  last.exec(data.sql);
  orders.postMessage({ done: true });
};
orders.unref();
