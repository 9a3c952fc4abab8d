// The process that deaf-clients.ts starts: its sockets ask, and never read what they are answered.
import { connect } from 'node:net';

/** Who does not read learns that it was cut by writing alone. A server takes empty lines for nothing. */
const TRY_MS = 500;

const [port = '', count = '', query = ''] = process.argv.slice(2);

for (let n = 0; n < Number(count); n++) join();
process.on('disconnect', () => process.exit());

function join(): void {
  const socket = connect(Number(port), '127.0.0.1');
  socket.pause();
  socket.write(`GET /events?deaf&${query} HTTP/1.1\r\nHost: feed\r\n\r\n`);
  const trying = setInterval(() => socket.write('\r\n'), TRY_MS);
  socket.on('error', () => undefined);
  socket.once('close', () => {
    clearInterval(trying);
    join();
  });
}
