// How heavy each test file is, so that a machine is kept busy to the end of a run and never so busy that a deadline passes.
// A file that is not named here weighs what its folder weighs: it may be forgotten here, it runs all the same.
import { sep } from 'node:path';

/**
 * @typedef {object} Weight
 * @property {number} load how many cores it keeps busy, on average
 * @property {number} seconds how long it takes, about: the longest begin first, so that none is left over at the end
 */

/** @type {Readonly<Record<string, Weight>>} by folder of test/ */
const FOLDERS = {
  unit: { load: 0.6, seconds: 4 },
  ledger: { load: 0.6, seconds: 8 },
  integration: { load: 0.35, seconds: 20 },
  e2e: { load: 0.45, seconds: 110 },
};

/** @type {Readonly<Record<string, Weight>>} by path below test/, without .test.ts */
const FILES = {
  // n8n is killed again and again, or several processes of it run.
  'integration/outbox-killed': { load: 0.7, seconds: 120 },
  'integration/collector': { load: 0.5, seconds: 95 },
  'unit/outbox-worker': { load: 0.2, seconds: 15 },
  // A mailbox of more than a page, compared again and again.
  'integration/command-audit': { load: 0.4, seconds: 25 },
  'e2e/exactly-once': { load: 0.5, seconds: 280 },
  'e2e/exactly-once-queue-mode': { load: 0.8, seconds: 240 },
  'e2e/durable-send-kills': { load: 0.6, seconds: 280 },
  'e2e/durable-webhook': { load: 0.5, seconds: 300 },
  'e2e/durable-webhook-queue-mode': { load: 0.6, seconds: 200 },
  'e2e/durable-send': { load: 0.5, seconds: 130 },
  'e2e/run-once-resumes': { load: 0.6, seconds: 800 },
  'e2e/run-once-resumes-queue-mode': { load: 0.6, seconds: 150 },
  'e2e/queue-mode': { load: 0.5, seconds: 400 },
  'e2e/gmail-faults': { load: 0.7, seconds: 340 },
  // Three n8n, and two collectors.
  'e2e/several-n8n': { load: 0.7, seconds: 200 },
  'e2e/crash': { load: 0.45, seconds: 180 },
  'e2e/gmail-queue-mode': { load: 0.6, seconds: 110 },
  // Databases that are killed, under a hundred runs each time; workers that come and go.
  'e2e/killed-databases': { load: 0.4, seconds: 360 },
  'e2e/killed-databases-queue-mode': { load: 0.5, seconds: 330 },
  'e2e/run-ends': { load: 0.4, seconds: 250 },
  // Outages of a minute, to be sat out.
  'e2e/ledger-outage': { load: 0.3, seconds: 250 },
  'e2e/which-ledger': { load: 0.5, seconds: 200 },
  'e2e/outage': { load: 0.25, seconds: 190 },
  // n8n in one process, killed once, and in three.
  'e2e/console': { load: 0.5, seconds: 130 },
  // Much at once in one n8n.
  'e2e/gmail-nodes': { load: 0.8, seconds: 160 },
  'e2e/nodes': { load: 0.5, seconds: 190 },
  // n8n lets its own Gmail trigger look once a minute.
  'e2e/from-the-built-in': { load: 0.5, seconds: 150 },
  // It starts n8n as a person does, four times, and waits for retries.
  'e2e/demo': { load: 0.5, seconds: 140 },
  // It builds the package three times.
  'integration/n8n-without': { load: 0.8, seconds: 15 },
  'integration/packing': { load: 0.9, seconds: 30 },
  // n8n makes its databases first.
  'e2e/whole-path-oldest': { load: 0.5, seconds: 150 },
  // Processes that are killed and begun anew; a shell for each example.
  'integration/console-crash': { load: 0.6, seconds: 180 },
  'integration/many-processes': { load: 0.6, seconds: 120 },
  'integration/webhook-crashes': { load: 0.6, seconds: 40 },
  'integration/console-examples': { load: 0.6, seconds: 25 },
  'integration/console-alike': { load: 0.7, seconds: 30 },
  'integration/work-streams': { load: 0.6, seconds: 75 },
  'integration/feed-edges': { load: 0.4, seconds: 35 },
  // A browser, without n8n.
  'integration/console-page': { load: 0.5, seconds: 40 },
  'integration/console-page-mails': { load: 0.5, seconds: 35 },
  'integration/console-page-everybody': { load: 0.6, seconds: 40 },
  'integration/console-page-outbox': { load: 0.6, seconds: 45 },
  'integration/console-page-many': { load: 0.6, seconds: 40 },
  // A browser beside n8n.
  'e2e/console-page': { load: 0.7, seconds: 130 },
  'e2e/console-connection': { load: 0.5, seconds: 300 },
  'e2e/editor': { load: 0.7, seconds: 190 },
  // Servers that fall silent, in an n8n.
  'e2e/odd-servers': { load: 0.5, seconds: 150 },
  // The same without one: many at once, which wait most of their time.
  'integration/odd-servers/withheld': { load: 0.4, seconds: 60 },
  'integration/odd-servers/servers': { load: 0.3, seconds: 70 },
  'integration/odd-servers/dialogues': { load: 0.6, seconds: 60 },
  // Wires that are cut some hundred times, and silence that is waited out.
  'integration/smtp-cuts': { load: 0.35, seconds: 25 },
  'integration/smtp-sender': { load: 0.25, seconds: 25 },
  'unit/mail-bounces': { load: 0.9, seconds: 8 },
  // Syncs that take long, and a lock of 10 s.
  'ledger/slow-disk': { load: 0.3, seconds: 25 },
  // Three processes, of which one sleeps for a minute.
  'integration/clocks': { load: 0.3, seconds: 100 },
  'integration/odd-servers/late': { load: 0.05, seconds: 40 },
  // Deadlines, the waits of an outage, and the minute of a quota.
  'integration/found-back': { load: 0.05, seconds: 75 },
  'integration/imap-faults': { load: 0.1, seconds: 230 },
  'integration/gmail-quota': { load: 0.05, seconds: 70 },
  // A Redis that is frozen, killed, cut off and failed over; a PgBouncer that has to be found out.
  'integration/redis': { load: 0.3, seconds: 90 },
  'integration/postgres-wake': { load: 0.2, seconds: 30 },
  'integration/large-mail': { load: 0.8, seconds: 20 },
};

const TESTS = `${sep}test${sep}`;

/**
 * @param {string} file its path, through the folder test/
 * @returns {Weight}
 */
export function weightOf(file) {
  const path = file.slice(file.lastIndexOf(TESTS) + TESTS.length).split(sep);
  const name = path.join('/').replace(/\.test\.ts$/, '');
  return FILES[name] ?? FOLDERS[path[0] ?? ''] ?? { load: 1, seconds: 60 };
}
