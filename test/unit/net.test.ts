// What tests break the network with: it has to let them end.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';

const NET = JSON.stringify(join(__dirname, '..', 'support', 'net'));

describe('a connection that is reset while it ends', () => {
  it('does not keep its process from its end', () => {
    const child = `
      import { connect, createServer } from 'node:net';
      import { reset } from ${NET};
      const server = createServer((socket) => {
        socket.on('error', (error) => console.log(error.message)).resume();
        // It ends by itself because the other side has, and a moment later that is under way.
        socket.on('end', () => process.nextTick(() => process.nextTick(() => (reset(socket), server.close()))));
      });
      server.listen(0, '127.0.0.1', () => {
        const { port } = server.address() as { port: number };
        connect(port, '127.0.0.1').on('error', () => undefined).end('bye');
      });
      process.on('exit', () => console.log('done'));`;
    const args = ['--import', 'tsx', '--input-type=module-typescript', '--eval', child];
    const { stdout, stderr, signal } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      timeout: 30_000,
    });
    assert.equal(stdout.trim(), 'done', stderr);
    assert.equal(signal, null, 'it does not end');
  });
});

describe('a free port', () => {
  it(
    'is given to one process only, though no server listens there yet',
    { skip: process.platform !== 'linux' },
    async () => {
      const COUNT = 1_500;
      const child = `
      import { freePort } from ${NET};
      const ports = [];
      for (let got = 0; got < ${COUNT}; got++) ports.push(await freePort());
      console.log(ports.join());
      process.stdin.once('end', () => process.exit()).resume();`;
      const children = [1, 2].map(() =>
        spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', child], {
          stdio: ['pipe', 'pipe', 'inherit'],
        }),
      );
      try {
        const told = await Promise.all(
          children.map(async ({ stdout }) => ((await once(createInterface(stdout), 'line')) as string[])[0]!),
        );
        assert.equal(new Set(told.flatMap((ports) => ports.split(','))).size, children.length * COUNT);
      } finally {
        for (const one of children) one.kill('SIGKILL');
      }
    },
  );
});
