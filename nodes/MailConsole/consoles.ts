// The consoles of nodes that this process serves: each goes on from hit to hit, with its feed, its sessions and what it does
// in the background.
// Invariant: what is set now counts: an edit of the node or of its credential is another console, and ends the one before.
import type { IWebhookFunctions } from 'n8n-workflow';
import { ConsoleOver } from '../../engine/console/home/console-over';
import { consoleOf } from '../host/console/console-of';
import { isHealthOpen } from '../../engine/console/home/settings';
import { log } from '../host/n8n/log';
import { openStore, type Store } from '../host/store/store';
import { readLogin } from './login';

interface Kept {
  /** Of what is set. */
  readonly print: string;
  readonly console: Promise<ConsoleOver<Store>>;
  /** The newest hit: an older one's context belongs to a call that is over. */
  context: IWebhookFunctions;
}

const kept = new Map<string, Kept>();

/** @param prefix before the console's own paths @throws Error that says what to set */
export async function consoleOfNode(context: IWebhookFunctions, prefix: string): Promise<ConsoleOver<Store>> {
  const owner = JSON.stringify([context.getInstanceId(), context.getWorkflow().id, context.getNode().id]);
  const login = await readLogin(context, owner);
  const showMail = context.getNodeParameter('showMail', true) !== false;
  const print = JSON.stringify([login.print, showMail]);
  const name = JSON.stringify([owner, prefix]);
  const known = kept.get(name);
  if (known?.print === print) {
    known.context = context;
    return known.console;
  }
  const made: Kept = { print, context, console: make() };
  kept.set(name, made);
  known?.console.then((console) => console.close()).catch(() => undefined);
  return made.console;

  async function make(): Promise<ConsoleOver<Store>> {
    const { rights, login: asking } = login;
    const home = {
      ...{ prefix, rights, login: asking, showMail, sessionKey: await login.sessionKey() },
      // Whatever name people gave their n8n.
      hosts: () => true,
      ...{ isOwnOrigin: false, bundled: true, openHealth: isHealthOpen() },
      editorUrl: context.getInstanceBaseUrl().replace(/\/+$/, ''),
    };
    return new ConsoleOver(home, { openStore: () => openStore(made.context), create: consoleOf, log });
  }
}
