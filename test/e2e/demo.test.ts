// `npm start` and `npm run demo:send`, as a person uses them.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, afterEach, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { N8nApi } from '../../tools/n8n.mjs';
import { ROOT } from '../../tools/shell.mjs';
import { portAnswers } from '../support/net';
import { Hopeless, until } from '../support/until';

interface State {
  readonly mailPort: number;
  readonly n8nPort: number;
  readonly ownerPassword: string;
  readonly workflowId: string;
}

describe('the demo', { timeout: 10 * 60_000 }, () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;
  let demo: ChildProcess | undefined;
  let output = '';

  before(async () => {
    // In the checkout, as the demo's own folder is: what lies above it is found from there.
    folder = await mkdtemp(join(ROOT, '.demo-test-'));
    env = { ...process.env, DURABLE_MAIL_DEMO: folder };
  });
  afterEach(() => stop());
  after(() => rm(folder, { recursive: true, force: true }));

  const start = async (): Promise<State> => {
    output = '';
    demo = spawn(process.execPath, ['demo/start.mjs'], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [demo.stdout, demo.stderr])
      stream?.on('data', (data: Buffer) => (output += data.toString()));
    const running = demo;
    await until(
      'the demo tells what to do',
      () => {
        if (running.exitCode !== null) throw new Hopeless(`The demo ended:\n${output}`);
        return output.includes('Stop with Ctrl-C');
      },
      180_000,
    );
    return JSON.parse(await readFile(join(folder, 'state.json'), 'utf8')) as State;
  };

  const stop = async (): Promise<void> => {
    if (!demo || demo.exitCode !== null) return;
    const exit = once(demo, 'exit');
    demo.kill('SIGINT');
    assert.deepEqual(await exit, [0, null], output);
  };

  const send = (subject: string): Promise<{ stdout: string }> =>
    promisify(execFile)(process.execPath, ['demo/send.mjs', subject], { cwd: ROOT, env });

  const done = (): string[] => {
    const file = join(folder, 'n8n', '.n8n', 'durable-mail', 'ledger.sqlite');
    const database = new DatabaseSync(file, { readOnly: true });
    const states = database.prepare('select state from event').all();
    database.close();
    return states.map((row) => String(row['state']));
  };

  it('says what to do when it has not been started', async () => {
    await assert.rejects(send('too early'), /npm start/);
  });

  it('runs a published workflow for a mail that is sent, and stops cleanly', async () => {
    const state = await start();
    assert.match(output, new RegExp(`http://localhost:${state.n8nPort}/workflow/${state.workflowId}`));
    assert.ok(output.includes(state.ownerPassword), 'the login is told');
    assert.match((await send('Grüße')).stdout, /Sent: Grüße/);
    await until('the mail is done', () => done().join() === 'DONE');
    const api = new N8nApi(`http://127.0.0.1:${state.n8nPort}`);
    await api.becomeOwner({ email: 'demo@example.com', password: state.ownerPassword });
    const execution = await until('n8n has stored its run', async () =>
      (await api.executions()).find(({ status }) => status === 'success'),
    );
    assert.equal(execution.workflowId, state.workflowId);
    assert.match(
      await readFile(join(folder, 'n8n.log'), 'utf8'),
      /\[durable-mail\] Watching mailbox "INBOX"/,
    );
    await stop();
    assert.equal(await portAnswers(state.n8nPort), false);
    assert.equal(await portAnswers(state.mailPort), false);
  });

  it('stops cleanly also while it is still starting', async () => {
    output = '';
    demo = spawn(process.execPath, ['demo/start.mjs'], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
    demo.stdout?.on('data', (data: Buffer) => (output += data.toString()));
    await until('n8n is starting', () => output.includes('Starting n8n'), 180_000);
    await stop();
  });

  it('finds everything again at the next start, and runs no mail twice', async () => {
    const state = await start();
    await send('Second');
    await until('the second mail is done', () => done().join() === 'DONE,DONE');
    const api = new N8nApi(`http://127.0.0.1:${state.n8nPort}`);
    await api.becomeOwner({ email: 'demo@example.com', password: state.ownerPassword });
    assert.equal((await api.executions()).length, 2);
  });
});
