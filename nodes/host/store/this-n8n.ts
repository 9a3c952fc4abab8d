// Which n8n this is, for a ledger that belongs to one of them (engine/ledger/ownership.ts).
import { hostname } from 'node:os';
import type { ITriggerFunctions } from 'n8n-workflow';
import { type Instance, SHARED_OWNER } from '../../../engine/ledger/ownership';
import { readEnvironment } from '../../../engine/runtime/environment';
import { processWide } from '../../../engine/runtime/process-wide';
import { isDead, newHolder } from '../../../engine/source/leases';
import { instanceSettings } from '../n8n/internals';
import { isHelper } from '../n8n/queue-mode';

/** Names this process, the same for all copies of this package in it. */
const processName = (): string => processWide('process', newHolder);

const isMultiMain = (): boolean => process.env['N8N_MULTI_MAIN_SETUP_ENABLED'] === 'true';

/**
 * Several n8n have one ledger, each its own workflows: then it is theirs together.
 * @throws Error that names the setting
 */
function sharesLedger(): boolean {
  const said = (readEnvironment('DURABLE_MAIL_SHARED_LEDGER') ?? '').trim().toLowerCase();
  if (said === 'true' || said === 'false' || said === '') return said === 'true';
  throw new Error(
    `DURABLE_MAIL_SHARED_LEDGER is "${said}". Set it to true or false, or leave it out: false.`,
  );
}

/** @returns which n8n this is, among those that share a ledger; undefined: it does not say, or it shares none */
export function sharingInstance(
  context: Partial<Pick<ITriggerFunctions, 'getInstanceId'>>,
): { readonly instance: string; readonly host: string } | undefined {
  const instance = context.getInstanceId?.() ?? instanceSettings().instanceId;
  return sharesLedger() && typeof instance === 'string' ? { instance, host: hostname() } : undefined;
}

/** @returns undefined: n8n does not say which one it is */
export function thisInstance(
  context: Partial<Pick<ITriggerFunctions, 'getInstanceId'>>,
): Instance | undefined {
  const id = context.getInstanceId?.() ?? instanceSettings().instanceId;
  if (typeof id !== 'string' || id === '') return undefined;
  const name = processName();
  if (sharesLedger()) return { id: SHARED_OWNER, home: null, host: hostname(), isGone: () => false };
  return {
    id,
    // Several main processes have one id, too: a copy cannot be told from them. And a worker does not listen.
    home: isMultiMain() || isHelper() ? null : name,
    host: hostname(),
    isGone: (home) => isDead(home, name),
  };
}
