// Wires the node that stands before a step with side effects and lets each item pass once, also when its run is
// tried again.
import type { IExecuteFunctions, INodeExecutionData, INodeType, INodeTypeDescription } from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';
import { mailStoreTest } from '../host/store/mail-store';
import { nodeError } from '../host/n8n/node-error';
import { openStore } from '../host/store/store';
import { properties } from './properties';
import { runOnce } from './run-once';

export class RunOnce implements INodeType {
  description: INodeTypeDescription = {
    displayName: 'Run Once',
    name: 'runOnce',
    icon: { light: 'file:runOnce.svg', dark: 'file:runOnce.dark.svg' },
    group: ['transform'],
    version: 1,
    subtitle: '={{ $parameter["key"] ? "once for each key" : "once for each email" }}',
    description: 'Lets each email or key through once, so that a retry does not repeat the step after it',
    defaults: { name: 'Run Once' },
    usableAsTool: true,
    inputs: [NodeConnectionTypes.Main],
    outputs: [NodeConnectionTypes.Main, NodeConnectionTypes.Main],
    outputNames: ['First time', 'Already done'],
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
      return await runOnce(this, openStore);
    } catch (error) {
      // One that is such an error already keeps its item and its description.
      throw nodeError(this.getNode(), error as Error);
    }
  }
}
