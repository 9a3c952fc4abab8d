// The memory of a process, as Linux counts it (/proc), and a clean slate before it is measured.
import { readFile, writeFile } from 'node:fs/promises';
import { pass } from './figures';

/** Resident now, in bytes. */
export const residentBytes = (pid: number): Promise<number> => statusBytes(pid, 'VmRSS');

/** The most that was resident since `forgetPeak`, in bytes. */
export const peakBytes = (pid: number): Promise<number> => statusBytes(pid, 'VmHWM');

/** From here on only what comes counts (proc(5), clear_refs). */
export const forgetPeak = (pid: number): Promise<void> => writeFile(`/proc/${pid}/clear_refs`, '5');

async function statusBytes(pid: number, field: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const found = new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(status);
  if (!found) throw new Error(`/proc/${pid}/status does not tell ${field}`);
  return Number(found[1]) * 1_024;
}

/**
 * Collects the garbage of another Node.js process. @param inspectorPort that it was started with (--inspect-port)
 * @returns what it then has in use: of V8's memory and of buffers, in bytes
 */
export async function collectGarbage(pid: number, inspectorPort: number): Promise<number> {
  process.kill(pid, 'SIGUSR1');
  const inspector = await inspectorOf(inspectorPort);
  const ask = async (method: string, params: object = {}): Promise<string> => {
    const answered = new Promise<MessageEvent>((resolve) =>
      inspector.addEventListener('message', resolve, { once: true }),
    );
    inspector.send(JSON.stringify({ id: 1, method, params }));
    return String((await answered).data);
  };
  try {
    for (let times = 0; times < 3; times++) {
      await ask('HeapProfiler.collectGarbage');
      await pass(500);
    }
    const used = '(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())';
    const answer = await ask('Runtime.evaluate', { expression: used });
    return (JSON.parse(answer) as { result: { result: { value: number } } }).result.result.value;
  } finally {
    inspector.close();
  }
}

async function inspectorOf(port: number): Promise<WebSocket> {
  for (let tries = 1; ; tries++) {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/json/list`);
      const [target] = (await answer.json()) as { webSocketDebuggerUrl: string }[];
      const socket = new WebSocket(target!.webSocketDebuggerUrl);
      await new Promise((resolve, reject) => {
        socket.addEventListener('open', resolve);
        socket.addEventListener('error', () => reject(new Error('The inspector did not answer')));
      });
      return socket;
    } catch (error) {
      if (tries === 50) throw error;
      await pass(100);
    }
  }
}
