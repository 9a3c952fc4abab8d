// Wires the node that sends emails through the outbox: each once, over whatever tries its run takes.
import type {
  IExecuteFunctions,
  ILoadOptionsFunctions,
  INodeExecutionData,
  INodePropertyOptions,
  INodeType,
  INodeTypeDescription,
} from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';
import { mailStoreTest } from '../host/store/mail-store';
import { openStore } from '../host/store/store';
import { credentials, properties } from './properties';
import { durableSend } from './send';

export class DurableSend implements INodeType {
  description: INodeTypeDescription = {
    displayName: 'Durable Send',
    name: 'durableSend',
    icon: { light: 'file:durableSend.svg', dark: 'file:durableSend.dark.svg' },
    group: ['output'],
    // Those of the built-in Send Email node.
    version: [2, 2.1],
    defaultVersion: 2.1,
    subtitle: '={{ $parameter["sending"] === "background" ? "in the background" : "now" }}',
    description: 'Sends an email once, also when its run is tried again',
    defaults: { name: 'Durable Send' },
    usableAsTool: true,
    inputs: [NodeConnectionTypes.Main],
    outputs: [NodeConnectionTypes.Main],
    credentials,
    properties,
  };

  methods = { credentialTest: { mailStoreTest }, loadOptions: { templateNames } };

  async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
    return [await durableSend(this, openStore)];
  }
}

/** For the list in the editor. */
async function templateNames(this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
  const { ledger } = await openStore(this);
  const templates = await ledger.templates();
  return templates.map(({ name, subject }) => ({ name, value: name, description: subject }));
}
