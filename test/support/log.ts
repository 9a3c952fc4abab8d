import type { Log } from '../../engine/runtime/log';

const nothing = (): void => undefined;

/** For tests to which the log does not matter. */
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
