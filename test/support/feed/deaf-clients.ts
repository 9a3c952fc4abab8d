// Clients of a feed over real HTTP that never read. Their windows are small, since the kernel would take megabytes for each.
// Node.js cannot set a window: Python does.
// Invariant: there are always as many as were asked for: one that is cut comes again.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/** Why there are none here; false: there are. */
export const noDeafClients: string | false =
  spawnSync('python3', ['--version']).status === 0 ? false : 'there is no Python (python3)';

const SCRIPT = `
import select, socket, sys
port, count = int(sys.argv[1]), int(sys.argv[2])
def connect():
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1000)
    s.connect(('127.0.0.1', port))
    s.sendall(b'GET /events?deaf HTTP/1.1\\r\\nHost: feed\\r\\n\\r\\n')
    poll.register(s, select.POLLERR | select.POLLHUP)
    deaf[s.fileno()] = s
poll, deaf = select.poll(), {}
poll.register(0, select.POLLIN | select.POLLHUP)
for _ in range(count): connect()
while True:
    for fd, _ in poll.poll():
        if fd == 0: sys.exit()
        poll.unregister(fd)
        deaf.pop(fd).close()
        connect()
`;

/** @returns ends them */
export function deafClients(port: number, count: number): () => Promise<void> {
  const python = spawn('python3', ['-c', SCRIPT, String(port), String(count)], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = once(python, 'exit');
  return async () => {
    python.stdin.end();
    await ended;
  };
}
