// `npm run bench`: sets up what the measurement needs, and runs it.
import { join } from 'node:path';
import { build } from '../tools/build.mjs';
import { installDependencies, installN8n, installNode } from '../tools/install.mjs';
import { installServers } from '../tools/servers.mjs';
import { main, ROOT, run } from '../tools/shell.mjs';

await main(async () => {
  await installDependencies();
  const node = await installNode();
  await installServers();
  const env = { ...process.env, DURABLE_MAIL_N8N: await installN8n(node) };
  await build();
  await run(node, ['--import', 'tsx', join(ROOT, 'bench', 'latency.ts')], { env, show: true });
});
