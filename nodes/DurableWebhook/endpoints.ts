// Endpoints: receivers that are told of changes of the ledger by themselves, without a workflow in between.
// Invariants: one name, one endpoint; what was not there is an error that says so, and never a success that did nothing.
import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { mayLetThrough } from '../../engine/feed/asked';
import type { ChangeType } from '../../engine/ledger/changes';
import { type Endpoint, type Endpoints, isReader } from '../../engine/ledger/endpoints';
import type { Ledger } from '../../engine/ledger/ledger';
import { newEndpoint } from '../../engine/outbox/webhook/endpoint';
import { shownAddress } from '../../engine/outbox/webhook/webhook-url';
import type { Telling } from '../../engine/outbox/webhook/telling';
import { nodeError } from '../host/n8n/node-error';
import { ENDPOINT_EVENTS } from './events';
import { advised } from './refused';
import {
  headersOf,
  optionsOf,
  plainText,
  requestOf,
  type Secrets,
  secretsOf,
  textParameter,
} from './settings';

export interface EndpointStore {
  readonly ledger: Endpoints & Pick<Ledger, 'sources'>;
  readonly telling: Pick<Telling, 'look'>;
}

export type EndpointOperation = 'subscribe' | 'unsubscribe' | 'takeBack' | 'listEndpoints';

/** @throws NodeOperationError */
export async function actOnEndpoints(
  context: IExecuteFunctions,
  { ledger, telling }: EndpointStore,
  operation: EndpointOperation,
): Promise<INodeExecutionData[]> {
  if (operation === 'listEndpoints') {
    const shown = (await ledger.endpoints()).filter((endpoint) => !isReader(endpoint));
    return shown.map((endpoint) => ({ json: endpointJson(endpoint), pairedItem: { item: 0 } }));
  }
  const secrets = operation === 'subscribe' ? await secretsOf(context) : null;
  const isRemoved = operation === 'unsubscribe';
  const answers: INodeExecutionData[] = [];
  for (const itemIndex of context.getInputData().keys()) {
    try {
      const json = secrets
        ? await subscribe(context, itemIndex, ledger, secrets)
        : await change(context, itemIndex, ledger, isRemoved);
      answers.push({ json, pairedItem: { item: itemIndex } });
    } catch (error) {
      const told = advised(error as Error);
      if (!context.continueOnFail()) throw nodeError(context.getNode(), told, { itemIndex });
      answers.push({ json: { error: told.message }, pairedItem: { item: itemIndex } });
    }
  }
  telling.look();
  return answers;
}

async function subscribe(
  context: IExecuteFunctions,
  itemIndex: number,
  ledger: EndpointStore['ledger'],
  secrets: Secrets,
): Promise<IDataObject> {
  const options = optionsOf(context, itemIndex);
  const url = textParameter(context, 'url', itemIndex);
  if (url === '') throw new Error('"URL" is empty: nothing was subscribed.');
  const {
    form: _form,
    endpoint: _endpoint,
    repeats: _repeats,
    ...request
  } = requestOf(context, itemIndex, url, secrets);
  const sourceId = plainText(context.getNodeParameter('onlySource', itemIndex, '')).trim();
  if (sourceId !== '' && !/^\d{1,15}$/.test(sourceId))
    throw new Error(
      '"Only Source" must be the number of a source, as the Mail Ledger node (Source) lists it.',
    );
  const workflowId = textParameter(context, 'onlyWorkflow', itemIndex);
  if (workflowId !== '' && !/^[\w-]{1,100}$/.test(workflowId))
    throw new Error('"Only Workflow" must be the ID of a workflow, as its address in n8n ends with it.');
  const types = typesOf(context, itemIndex);
  seeWhetherTold(types, workflowId, sourceId);
  if (sourceId !== '' && !(await ledger.sources()).some(({ id }) => id === Number(sourceId)))
    throw new Error(
      `There is no source ${sourceId}. The Mail Ledger node (Source) lists those that there are: enter one's number in "Only Source".`,
    );
  const endpoint = newEndpoint({
    ...{ name: await nameOf(context, itemIndex, ledger), url, request, headers: headersOf(options) },
    wish: {
      types,
      workflowId: workflowId === '' ? null : workflowId,
      sourceId: sourceId === '' ? null : Number(sourceId),
    },
  });
  return endpointJson(await ledger.saveEndpoint(endpoint, whoOf(context)));
}

/** @throws Error: some of them would never come */
function seeWhetherTold(types: readonly ChangeType[], workflowId: string, sourceId: string): void {
  const only = [
    ['"Only Workflow"', { workflowId }, workflowId],
    ['"Only Source"', { sourceId: Number(sourceId) }, sourceId],
  ] as const;
  for (const [field, asked, entered] of only) {
    const never = entered === '' ? [] : types.filter((type) => !mayLetThrough(type, asked));
    if (never.length === 0) continue;
    throw new Error(
      `With ${field} it would never be told of ${never.join(', ')}: these events have none. Leave ${field} empty, or ` +
        'subscribe another endpoint for them.',
    );
  }
}

async function change(
  context: IExecuteFunctions,
  itemIndex: number,
  ledger: Endpoints,
  isRemoved: boolean,
): Promise<IDataObject> {
  const name = await nameOf(context, itemIndex, ledger);
  const known = (await ledger.endpoints()).find((endpoint) => endpoint.name === name);
  if (!known) throw new Error(`There is no endpoint "${name}". "List Endpoints" shows those that there are.`);
  if (isRemoved) {
    await ledger.removeEndpoint(name, whoOf(context));
    return { ...endpointJson(known), removed: true };
  }
  // One that is told already stays as it is: what it is owed is not left out.
  const takenBack = known.asideSince !== null && (await ledger.takeBack(known.id));
  const now = (await ledger.endpoints()).find((endpoint) => endpoint.name === name) ?? known;
  return { ...endpointJson(now), takenBack };
}

/** @throws Error: it is empty, or of an Outbox Trigger, which keeps its place under it */
async function nameOf(context: IExecuteFunctions, itemIndex: number, ledger: Endpoints): Promise<string> {
  const name = textParameter(context, 'endpointName', itemIndex);
  if (name === '' || name.length > 200)
    throw new Error('"Endpoint Name" must be a text of 1 to 200 characters.');
  if ((await ledger.endpoints()).some((endpoint) => endpoint.name === name && isReader(endpoint)))
    throw new Error(`"${name}" belongs to an Outbox Trigger. Choose another name.`);
  return name;
}

function typesOf(context: IExecuteFunctions, itemIndex: number): ChangeType[] {
  const entered: unknown = context.getNodeParameter('events', itemIndex, []);
  const types = (Array.isArray(entered) ? entered : [entered]).map(plainText);
  const unknown = types.find((type) => !ENDPOINT_EVENTS.some(({ value }) => value === type));
  if (types.length === 0) throw new Error('Choose at least one event under "Events".');
  if (unknown !== undefined) throw new Error(`"${unknown}" is no event. "Events" has those that there are.`);
  return types as ChangeType[];
}

const whoOf = (context: IExecuteFunctions): string =>
  `workflow ${context.getWorkflow().id ?? ''}, ${context.getNode().name}`;

const endpointJson = ({ wish, asideSince, asideReason, missedAt, ...endpoint }: Endpoint): IDataObject => ({
  name: endpoint.name,
  url: shownAddress(endpoint.url),
  events: [...wish.types],
  onlyWorkflow: wish.workflowId,
  onlySource: wish.sourceId,
  state: asideSince === null ? 'told' : 'setAside',
  reason: asideReason,
  setAsideAt: timeOf(asideSince),
  missedAt: timeOf(missedAt),
  createdAt: timeOf(endpoint.createdAt),
  createdBy: endpoint.createdBy,
});

const timeOf = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
