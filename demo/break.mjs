// `npm run demo:break [-- seconds]`: the demo's mail server is away for a minute, and comes back; Ctrl-C brings it back at once.
// What happens to mail meanwhile is for the person to see, so it tells where to look.
import { setTimeout } from 'node:timers/promises';
import { main } from '../tools/shell.mjs';
import { NoDemoError, reachDemo } from './control.mjs';
import { readState } from './state.mjs';
import { MAILBOX_NODE } from './workflow.mjs';

const MOST_SECONDS = 3600;

await main(async () => {
  const [wished = '60'] = process.argv.slice(2);
  const seconds = Number(wished);
  if (!(seconds > 0 && seconds <= MOST_SECONDS))
    throw new Error(`"${wished}" is not a number of seconds up to ${MOST_SECONDS}. Run: npm run demo:break`);
  const state = await readState();
  const demo = await reachDemo(state);
  const interrupted = new AbortController();
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
    process.on(signal, () => interrupted.abort());
  await demo.ask({ ask: 'away' });
  console.log(`
The demo's mail server is away for ${seconds} s: n8n cannot reach the mailbox. Ctrl-C brings it back at once.

  1  Send a mail all the same, in another terminal:  npm run demo:send -- "Sent meanwhile"
  2  Open http://localhost:${state?.n8nPort}/workflow/${state?.workflowId}
     Open the node "${MAILBOX_NODE}" and press Execute step: it shows the connection and its last error.
     The workflow stays published, and has no run for that mail yet.
  3  Wait until the server is back. The mail then runs by itself.`);
  const ended = await Promise.race([
    setTimeout(seconds * 1_000, 'over', { signal: interrupted.signal }).catch(() => 'interrupted'),
    demo.gone.then(() => 'gone'),
  ]);
  // Its time is over in any case: nothing is left to wait for.
  interrupted.abort();
  if (ended === 'gone') throw new NoDemoError('The demo has ended meanwhile, and its mail server with it.');
  const { says } = await demo.letGo();
  demo.close();
  console.log(
    says === 'back'
      ? '\nThe mail server is back. Within a minute the trigger has connected again: look under Executions.'
      : '\nThe mail server is still away: demo:break runs in another terminal, too.',
  );
});
