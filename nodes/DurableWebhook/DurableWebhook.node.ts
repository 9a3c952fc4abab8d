// Wires the node that posts webhooks through the outbox, each once, and subscribes endpoints to events.
import type { IExecuteFunctions, INodeExecutionData, INodeType, INodeTypeDescription } from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';
import { mailStoreTest } from '../host/store/mail-store';
import { openStore } from '../host/store/store';
import { credentials, properties } from './properties';
import { signingTest } from './signing-test';
import { durableWebhook } from './webhook';

export class DurableWebhook implements INodeType {
  description: INodeTypeDescription = {
    displayName: 'Durable Webhook',
    name: 'durableWebhook',
    icon: { light: 'file:durableWebhook.svg', dark: 'file:durableWebhook.dark.svg' },
    group: ['output'],
    version: 1,
    subtitle:
      '={{ { send: $parameter["sending"] === "background" ? "send in the background" : "send now", subscribe: "subscribe", unsubscribe: "unsubscribe", takeBack: "take back", listEndpoints: "list endpoints" }[$parameter["operation"]] }}',
    description: 'Posts JSON to a URL, signed and once, also when its run is tried again',
    defaults: { name: 'Durable Webhook' },
    usableAsTool: true,
    inputs: [NodeConnectionTypes.Main],
    outputs: [NodeConnectionTypes.Main],
    credentials,
    properties,
  };

  methods = { credentialTest: { mailStoreTest, signingTest } };

  async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
    return [await durableWebhook(this, openStore)];
  }
}
