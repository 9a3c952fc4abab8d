// Wires the node with which people look at the mail ledger from a workflow, and act on its events by hand.
import type { IExecuteFunctions, INodeExecutionData, INodeType, INodeTypeDescription } from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';
import { mailStoreTest } from '../host/store/mail-store';
import { nodeError } from '../host/n8n/node-error';
import { openStore } from '../host/store/store';
import { runMailLedger } from './operations';
import { properties } from './properties';

export class MailLedger implements INodeType {
  description: INodeTypeDescription = {
    displayName: 'Mail Ledger',
    name: 'mailLedger',
    icon: { light: 'file:mailLedger.svg', dark: 'file:mailLedger.dark.svg' },
    group: ['transform'],
    version: 1,
    subtitle: '={{ $parameter["operation"] + ": " + $parameter["resource"] }}',
    description: 'Shows what became of the emails of Durable Mail triggers, and runs them again',
    defaults: { name: 'Mail Ledger' },
    usableAsTool: true,
    inputs: [NodeConnectionTypes.Main],
    outputs: [NodeConnectionTypes.Main],
    credentials: [
      {
        name: 'mailStore',
        displayName: 'Postgres Mail Store',
        required: true,
        testedBy: 'mailStoreTest',
        displayOptions: { show: { mailStore: ['postgres'] } },
      },
    ],
    properties,
  };

  methods = { credentialTest: { mailStoreTest } };

  async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
    try {
      return [await runMailLedger(this, openStore)];
    } catch (error) {
      // One that is such an error already keeps its item and its description.
      throw nodeError(this.getNode(), error as Error);
    }
  }
}
