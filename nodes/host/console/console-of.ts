// The console over a node's store, with what is built into this package.
import type { Console } from '../../../engine/console/context';
import { built } from '../../../engine/console/home/built';
import type { Home } from '../../../engine/console/home/console-over';
import { openConsole } from '../../../engine/instance/console';
import { log } from '../n8n/log';
import type { Store } from '../store/store';

export const consoleOf = (store: Store, home: Home): Console =>
  openConsole(store, { ...home, ...built(), log });
