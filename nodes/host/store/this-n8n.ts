// Which n8n this is, for a ledger that belongs to one of them (engine/ledger/ownership.ts).
import { hostname } from 'node:os';
import type { ITriggerFunctions } from 'n8n-workflow';
import type { Instance } from '../../../engine/ledger/ownership';
import { processWide } from '../../../engine/runtime/process-wide';
import { isDead, newHolder } from '../../../engine/source/leases';
import { instanceSettings } from '../n8n/internals';
import { isHelper } from '../n8n/queue-mode';

/** Names this process, the same for all copies of this package in it. */
const processName = (): string => processWide('process', newHolder);

const isMultiMain = (): boolean => process.env['N8N_MULTI_MAIN_SETUP_ENABLED'] === 'true';

/** @returns undefined: n8n does not say which one it is */
export function thisInstance(
  context: Partial<Pick<ITriggerFunctions, 'getInstanceId'>>,
): Instance | undefined {
  const id = context.getInstanceId?.() ?? instanceSettings().instanceId;
  if (typeof id !== 'string' || id === '') return undefined;
  const name = processName();
  return {
    id,
    // Several main processes have one id, too: a copy cannot be told from them. And a worker does not listen.
    home: isMultiMain() || isHelper() ? null : name,
    host: hostname(),
    isGone: (home) => isDead(home, name),
  };
}
