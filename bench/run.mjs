// `npm run bench`: sets up what a measurement needs, and runs it.
//
//   npm run bench                     the IMAP trigger beside the built-in one, with WRITE_DOCS=1 into docs/benchmarks.md
//   npm run bench -- imap [...]       the same; bench/imap.ts says what may follow
//   npm run bench -- ledger [...]     what a mail costs in the ledger; bench/ledger.ts says what may follow
//   npm run bench -- console [...]    what people wait for who look at a large ledger; bench/console.ts says what may follow
//   npm run bench -- feed [...]       what the live feed costs the process that it is in; bench/feed.ts says what may follow
//   npm run bench -- outbox [...]     what an entry of the outbox costs; bench/outbox.ts says what may follow
//   npm run bench -- scale [...]      whether a large ledger costs more; bench/scale.ts says what may follow
//   npm run bench -- collector [...]  very many mailboxes in one collector; bench/collector.ts says what may follow
//   npm run bench -- redis [...]      what the cache in front of the ledger saves, and a stream takes; bench/redis.ts says more
//   npm run bench -- hold [...]       how long the SQLite ledger holds n8n's thread; bench/hold.ts says what may follow
import { join } from 'node:path';
import { build } from '../tools/build.mjs';
import { installDependencies, installN8n, installNode } from '../tools/install.mjs';
import { installServers } from '../tools/servers.mjs';
import { main, ROOT, run } from '../tools/shell.mjs';
import { prepareN8n } from '../test/prepare.mjs';

await main(async () => {
  const [what = 'imap', ...args] = process.argv.slice(2);
  if (!['imap', 'ledger', 'console', 'feed', 'outbox', 'scale', 'collector', 'redis', 'hold'].includes(what))
    throw new Error(`There is no such measurement: ${what}`);
  await installDependencies();
  const node = await installNode();
  await installServers();
  const n8n = what === 'imap' ? await installN8n(node) : null;
  if (!['ledger', 'console', 'feed', 'outbox', 'scale', 'redis'].includes(what)) await build();
  const prepared = n8n ? await prepareN8n(node, n8n) : null;
  try {
    const env = { ...process.env, ...prepared?.environment };
    await run(node, ['--import', 'tsx', join(ROOT, 'bench', `${what}.ts`), ...args], { env, show: true });
  } finally {
    await prepared?.dispose();
  }
});
