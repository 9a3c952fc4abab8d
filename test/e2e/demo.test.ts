// `npm start`, `npm run demo:send` and `npm run demo:break`, as a person uses them.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, afterEach, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { Me } from '../../engine/console/api';
import { N8nApi } from '../../tools/n8n.mjs';
import { ROOT } from '../../tools/shell.mjs';
import { portAnswers } from '../support/net';
import { Hopeless, until } from '../support/until';

interface State {
  readonly mailPort: number;
  readonly n8nPort: number;
  readonly consolePort: number;
  readonly ownerPassword: string;
  readonly workflowId: string;
}

interface Outage {
  /** What it has told, when it has ended. */
  readonly end: () => Promise<string>;
  /** Ctrl-C. */
  readonly interrupt: () => Promise<string>;
  readonly kill: () => Promise<void>;
}

const TRIGGER = 'Durable IMAP Trigger';

/** The steps that a run did, in their order. n8n stores a run flat: a value that is text is the index of another. */
async function stepsOf(api: N8nApi, execution: string): Promise<string[]> {
  const { data } = (await api.request('GET', `/rest/executions/${execution}`)) as { data: string };
  const values = JSON.parse(data) as Record<string, string>[];
  const { runData } = values[Number(values[0]!['resultData'])]!;
  return Object.keys(values[Number(runData)]!);
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

  const events = (): string[] => {
    const file = join(folder, 'n8n', '.n8n', 'durable-mail', 'ledger.sqlite');
    const database = new DatabaseSync(file, { readOnly: true });
    const rows = database.prepare('select state, attempt from event order by seq').all();
    database.close();
    return rows.map(({ state, attempt }) => `${String(state)} ${String(attempt)}`);
  };

  const owner = async ({ n8nPort, ownerPassword }: State): Promise<N8nApi> => {
    const api = new N8nApi(`http://127.0.0.1:${n8nPort}`);
    await api.becomeOwner({ email: 'demo@example.com', password: ownerPassword });
    return api;
  };

  /** `npm run demo:break`, when it has told what to look at. */
  const breakMail = async (seconds: number): Promise<Outage> => {
    const outage = spawn(process.execPath, ['demo/break.mjs', String(seconds)], { cwd: ROOT, env });
    const exit = once(outage, 'exit');
    let told = '';
    for (const stream of [outage.stdout, outage.stderr])
      stream.on('data', (data: Buffer) => (told += data.toString()));
    await until('it tells what to look at', () => {
      if (outage.exitCode !== null) throw new Hopeless(told);
      return told.includes('The mail then runs by itself');
    });
    const end = async (): Promise<string> => {
      assert.deepEqual(await exit, [0, null], told);
      return told;
    };
    return {
      end,
      interrupt: () => {
        outage.kill('SIGINT');
        return end();
      },
      kill: async () => {
        outage.kill('SIGKILL');
        await exit;
      },
    };
  };

  it('says what to do when it has not been started', async () => {
    await assert.rejects(send('too early'), /npm start/);
    await assert.rejects(breakMail(1), /npm start/);
  });

  it('runs a published workflow for a mail that is sent: it fails, and succeeds when it is tried again', async () => {
    const state = await start();
    assert.match(output, new RegExp(`http://localhost:${state.n8nPort}/workflow/${state.workflowId}`));
    assert.ok(output.includes(state.ownerPassword), 'the login is told');
    const [, address, token] = /Mail Console +(http:\S+)\s+with the token +(\S+)/.exec(output) ?? [];
    assert.equal(address, `http://localhost:${state.consolePort}`);
    const ask = (): Promise<Response> =>
      fetch(`${address}/api/me`, { headers: { authorization: `Bearer ${token}` } });
    const me = await until('the console is open', () => ask().catch(() => null));
    assert.equal(((await me.json()) as Me).right, 'operate');
    assert.match(output, /demo:send.*a run has failed.*RETRY.*succeeded.*DONE, with attempt 2.*demo:break/s);
    assert.match((await send('Grüße')).stdout, /Sent: Grüße/);
    await until('the mail waits for its next try', () => events().join() === 'RETRY 1');
    const again = promisify(execFile)(process.execPath, ['demo/start.mjs'], { cwd: ROOT, env });
    await assert.rejects(again, /The demo runs already/);
    await until('the mail is done', () => events().join() === 'DONE 2', 60_000);
    const api = await owner(state);
    const [second, first] = await until('n8n has stored its runs', async () => {
      const executions = await api.executions();
      return executions.every(({ status }) => ['error', 'success'].includes(status)) && executions;
    });
    assert.deepEqual([first?.status, second?.status], ['error', 'success']);
    assert.equal(second?.workflowId, state.workflowId);
    assert.deepEqual(await stepsOf(api, first!.id), [
      ...[TRIGGER, 'Run Once', 'Create the Order', 'First Try?', 'Refused'],
    ]);
    assert.deepEqual(await stepsOf(api, second.id), [
      ...[
        TRIGGER,
        'Run Once',
        'First Try?',
        'Confirm the Order',
        'Stand-in for a Model',
        'Note What It Says',
      ],
    ]);
    assert.match(
      await readFile(join(folder, 'n8n.log'), 'utf8'),
      /\[durable-mail\] Watching mailbox "INBOX"/,
    );
    await stop();
    assert.equal(await portAnswers(state.n8nPort), false);
    assert.equal(await portAnswers(state.mailPort), false);
    await assert.rejects(breakMail(1), /does not run. Run npm start/);
  });

  it('stops cleanly also while it is still starting', async () => {
    output = '';
    demo = spawn(process.execPath, ['demo/start.mjs'], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
    demo.stdout?.on('data', (data: Buffer) => (output += data.toString()));
    await until('n8n is starting', () => output.includes('Starting n8n'), 180_000);
    await stop();
  });

  it('finds everything again at the next start, builds nothing, and runs no mail twice', async () => {
    const state = await start();
    assert.doesNotMatch(output, /Building|Installing/);
    await send('Second');
    await until('the second mail is done', () => events().join() === 'DONE 2,DONE 2', 60_000);
    assert.equal((await (await owner(state)).executions()).length, 4);
  });

  it('stops the mail server for a while: a mail that is sent meanwhile runs afterwards', async () => {
    const { mailPort } = await start();
    const first = await breakMail(600);
    assert.equal(await portAnswers(mailPort), false);
    const second = await breakMail(3);
    await send('Meanwhile');
    assert.match(await second.end(), /still away: demo:break runs in another terminal/);
    assert.equal(await portAnswers(mailPort), false);
    assert.equal(events().length, 2);
    assert.match(await first.interrupt(), /The mail server is back/);
    assert.equal(await portAnswers(mailPort), true);
    await until('the mail is done', () => events()[2] === 'DONE 2', 90_000);
    // Also where it cannot let go any more.
    await (await breakMail(600)).kill();
    await until('the server is back', () => portAnswers(mailPort));
    const last = await breakMail(600);
    await stop();
    await assert.rejects(last.end(), /The demo has ended meanwhile/);
  });
});
