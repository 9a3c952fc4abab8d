// Endpoints through the console: one that was set aside is taken back, or one is removed.
// Invariant: the place of an Outbox Trigger, which is kept among them, is none of them: nobody takes it away.
import { type Endpoint, isReader } from '../ledger/endpoints';
import type { Act } from './acting';
import { only } from './asked-acts';
import type { EndpointAnswer, RemovedAnswer } from './outbox-api';
import { tellEndpoint } from './outbox-told';
import type { ConsoleLedger } from './ports';
import { Refusal } from './refusal';

export const takeBackOne: Act = async (
  { ledger, wakeOutbox },
  { name, ...more },
): Promise<EndpointAnswer> => {
  only(more);
  const { id } = await named(ledger, name);
  if (!(await ledger.takeBack(id))) throw isNone();
  wakeOutbox();
  return { endpoint: tellEndpoint(await named(ledger, name)) };
};

export const removeOne: Act = async ({ ledger }, { name, ...more }, by): Promise<RemovedAnswer> => {
  only(more);
  const known = await named(ledger, name);
  if (!(await ledger.removeEndpoint(known.name, by))) throw isNone();
  return { removed: true };
};

async function named(ledger: ConsoleLedger, name: unknown): Promise<Endpoint> {
  const endpoint = (await ledger.endpoints()).find((one) => one.name === name && !isReader(one));
  if (endpoint) return endpoint;
  throw isNone();
}

const isNone = (): Refusal =>
  new Refusal(404, 'There is no such endpoint: "name" is what it is called in /api/endpoints.');
