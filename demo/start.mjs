// `npm start`: a real n8n on this machine, with this package in it, a demo mailbox, and a published workflow.
// Installs and builds what is missing or has changed; keeps its state in .demo; ends everything on Ctrl-C.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { delimiter, dirname } from 'node:path';
import { buildIfChanged, installIfChanged } from '../tools/build.mjs';
import { installDependencies, installN8n, installNode } from '../tools/install.mjs';
import { N8nApi, N8nError, quietN8nEnvironment } from '../tools/n8n.mjs';
import { COMPILED, main, step } from '../tools/shell.mjs';
import { listenToCommands, reachDemo } from './control.mjs';
import { startMailServer } from './mail-server.mjs';
import {
  MAIL_USER,
  newConsoleToken,
  newState,
  OWNER_EMAIL,
  PLACES,
  readState,
  writeState,
} from './state.mjs';
import { demoWorkflow, LEDGER_NODE } from './workflow.mjs';

/** n8n's own budget for a shutdown is 30 s. */
const STOP_MS = 35_000;

await main(async () => {
  console.log('Preparing the demo');
  await installDependencies();
  const node = await installNode();
  const n8n = await installN8n(node);
  const state = (await readState()) ?? newState();
  if (await isRunning(state)) throw new Error('The demo runs already, in another terminal.');
  await buildIfChanged();
  await mkdir(PLACES.n8n, { recursive: true, mode: 0o700 });
  await installIfChanged(PLACES.n8n, n8n);

  state.mailPort = await freePort(state.mailPort);
  state.n8nPort = await freePort(state.n8nPort);
  state.consolePort = await freePort(state.consolePort ?? 5690);
  state.consoleToken ??= newConsoleToken();
  const brokerPort = await freePort(5679);

  const mailServer = await startMailServer({
    port: state.mailPort,
    user: MAIL_USER,
    password: state.mailPassword,
    folder: PLACES.mailbox,
    uidValidity: state.uidValidity,
  });
  const commands = await listenToCommands(state.mailPassword, mailServer);
  state.controlPort = commands.port;
  await writeState(state);
  const log = openSync(PLACES.log, 'w', 0o600);
  const n8nProcess = spawn(node, [n8n, 'start'], {
    cwd: PLACES.n8n,
    stdio: ['ignore', log, log],
    // A group of its own: Ctrl-C reaches this process alone, which then stops n8n in order.
    detached: process.platform !== 'win32',
    env: {
      ...process.env,
      NODE_COMPILE_CACHE: COMPILED,
      PATH: `${dirname(node)}${delimiter}${process.env['PATH']}`,
      ...quietN8nEnvironment({ folder: PLACES.n8n, port: state.n8nPort, brokerPort }),
      DURABLE_MAIL_CONSOLE_PORT: String(state.consolePort),
      DURABLE_MAIL_CONSOLE_OPERATE_TOKEN: state.consoleToken,
      N8N_EDITOR_BASE_URL: `http://localhost:${state.n8nPort}`,
    },
  });
  closeSync(log);
  const ended = once(n8nProcess, 'exit');
  const ending = new AbortController();
  void ended.then(() => ending.abort());
  let stopping = false;

  const stop = async () => {
    if (stopping) return;
    stopping = true;
    console.log('\nStopping …');
    const hard = setTimeout(() => n8nProcess.kill('SIGKILL'), STOP_MS);
    n8nProcess.kill('SIGTERM');
    await ended;
    clearTimeout(hard);
    await commands.close();
    await mailServer.goAway();
    console.log('Stopped. Everything is kept for the next start.');
  };
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
    process.on(signal, () => void stop());

  try {
    await Promise.race([
      setUp(state, ending.signal),
      ended.then(async () => {
        if (!stopping) throw new Error(`n8n ended by itself. Its last words:\n${await lastWords()}`);
      }),
    ]);
    if (!stopping) tell(state);
    await ended;
    if (!stopping) throw new Error(`n8n ended by itself. Its last words:\n${await lastWords()}`);
  } catch (error) {
    // A request that Ctrl-C cut short is no failure.
    if (!stopping) throw error;
  } finally {
    await stop();
  }
});

/**
 * @param {import('./state.mjs').DemoState} state
 * @param {AbortSignal} ending n8n has ended: there is nothing to wait for
 */
async function setUp(state, ending) {
  const api = new N8nApi(`http://127.0.0.1:${state.n8nPort}`);
  await step('Starting n8n', async () => {
    while (!ending.aborted && !(await api.isReady()))
      await new Promise((resolve) => setTimeout(resolve, 300));
  });
  if (ending.aborted) return;
  await step('Publishing the demo workflow', async () => {
    await api.becomeOwner({ email: OWNER_EMAIL, password: state.ownerPassword });
    const credential = {
      name: 'Demo mailbox',
      type: 'imap',
      data: {
        host: '127.0.0.1',
        port: state.mailPort,
        secure: false,
        user: MAIL_USER,
        password: state.mailPassword,
        allowUnauthorizedCerts: false,
      },
    };
    if (
      !(await isThere(
        () => api.request('GET', `/rest/credentials/${state.credentialId}`),
        state.credentialId,
      ))
    ) {
      state.credentialId = (await api.createCredential(credential.name, credential.type, credential.data)).id;
    } else {
      await api.updateCredential(/** @type {string} */ (state.credentialId), credential);
    }
    if (!(await isThere(() => api.workflow(/** @type {string} */ (state.workflowId)), state.workflowId))) {
      const named = { id: /** @type {string} */ (state.credentialId), name: credential.name };
      state.workflowId = (await api.createWorkflow(demoWorkflow(named))).id;
      await api.publish(state.workflowId);
    }
    await writeState(state);
  });
}

/**
 * Whether what an earlier start made is still there: a person may have deleted it.
 * @param {() => Promise<unknown>} ask
 * @param {string | undefined} id
 */
async function isThere(ask, id) {
  if (!id) return false;
  try {
    await ask();
    return true;
  } catch (error) {
    if (error instanceof N8nError && (error.status === 404 || error.status === 403)) return false;
    throw error;
  }
}

/** @param {import('./state.mjs').DemoState} state */
function tell(state) {
  console.log(`
n8n is running on this machine, with this package, a demo mailbox and a published workflow.

  Open       http://localhost:${state.n8nPort}/workflow/${state.workflowId}
  Log in     ${OWNER_EMAIL}   ${state.ownerPassword}

  Mail Console   http://localhost:${state.consolePort}
                 with the token ${state.consoleToken}

What to see, in this order. The demo makes the first try of every mail fail; the workflow says where.
(n8n's own "Production Checklist" may lie over the page: close it.)

  1  In a second terminal:  npm run demo:send -- "Hello"
  2  In the workflow's Executions: a run has failed.
  3  Within 30 s, in the Editor: open "${LEDGER_NODE}", Execute step. The mail is in RETRY.
  4  In Executions: the second run succeeded, and Run Once left out "Create the Order", which was done.
  5  In the Editor, the same step again: the mail is DONE, with attempt 2.
  6  In the second terminal:  npm run demo:break    stops the mail server for a minute, and tells what to see.

Your own mailbox: open the trigger node, choose "Create new credential", enter the host, user and password
(often an app password) of your mail account, and publish the workflow again.

Stop with Ctrl-C. The state is kept in .demo; delete that folder to begin anew.`);
}

/** @param {import('./state.mjs').DemoState} state */
async function isRunning(state) {
  try {
    const demo = await reachDemo(state);
    await demo.ask({ ask: 'hello' });
    demo.close();
    return true;
  } catch {
    // Nobody is there, or somebody else.
    return false;
  }
}

async function lastWords() {
  return (await readFile(PLACES.log, 'utf8')).trim().split('\n').slice(-15).join('\n');
}

/**
 * The wished port where it is free, another one otherwise.
 * @param {number} wished
 * @returns {Promise<number>}
 */
async function freePort(wished) {
  const server = createServer();
  const opened = await new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(wished, '127.0.0.1', () => resolve(true));
  });
  if (!opened) return freePort(0);
  const address = server.address();
  server.close();
  await once(server, 'close');
  return address && typeof address === 'object' ? address.port : wished;
}
