// Wires the node: `trigger()` listens in n8n's main process and emits pointers; `execute()` is the first step
// of each run, where the mail is claimed and handed out.
import type {
  IExecuteFunctions,
  INodeExecutionData,
  INodeType,
  INodeTypeDescription,
  ITriggerFunctions,
  ITriggerResponse,
} from 'n8n-workflow';
import { NodeConnectionTypes, NodeOperationError } from 'n8n-workflow';
import { listen } from '../host/listen';
import { newestMail } from '../host/preview';
import { mailStoreTest } from '../host/mail-store';
import { pointersOf, runPointers } from '../host/run';
import { refuseWhatCannotWork } from '../host/refusal';
import { durableImapTest } from './credential-test';
import { properties, triggerPanel } from './properties';
import {
  type CredentialType,
  itemSettings,
  listenSettings,
  mailboxName,
  readLogin,
  runSettings,
} from './settings';

export class DurableImapTrigger implements INodeType {
  description: INodeTypeDescription = {
    displayName: 'Durable IMAP Trigger',
    name: 'durableImapTrigger',
    icon: { light: 'file:durableImapTrigger.svg', dark: 'file:durableImapTrigger.dark.svg' },
    group: ['trigger'],
    version: 1,
    subtitle: '={{$parameter["mailbox"]}}',
    description: 'Starts the workflow for every new email, once, and tries again when a run fails',
    eventTriggerDescription: 'Waiting for you to receive an email',
    defaults: { name: 'Durable IMAP Trigger' },
    triggerPanel,
    inputs: [],
    outputs: [NodeConnectionTypes.Main],
    credentials: [
      {
        // n8n's own type, so that the credentials people have work here. The rules guard against typos, and against
        // packages that take what others were trusted with; here the person picks the credential for this purpose.
        // eslint-disable-next-line @n8n/community-nodes/no-credential-reuse, @n8n/community-nodes/valid-credential-references
        name: 'imap',
        displayName: 'Mailbox Login',
        required: true,
        displayOptions: { show: { authentication: ['imap'] } },
      },
      {
        name: 'durableImap',
        displayName: 'Mailbox Login',
        required: true,
        testedBy: 'durableImapTest',
        displayOptions: { show: { authentication: ['durableImap'] } },
      },
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

  methods = { credentialTest: { durableImapTest, mailStoreTest } };

  /** Throws only for settings that can never work; faults are ridden out in the background (docs/architecture.md). */
  async trigger(this: ITriggerFunctions): Promise<ITriggerResponse> {
    await refuseWhatCannotWork(this);
    const settings = listenSettings(this);
    const type = this.getNodeParameter('authentication') as CredentialType;
    await readLogin(this, type);
    return { closeFunction: await listen(this, { ...settings, login: () => readLogin(this, type) }) };
  }

  async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
    try {
      const pointers = pointersOf(this);
      if (pointers) return [await runPointers(this, pointers, runSettings(this))];
      if (this.getMode() !== 'manual') return [[]];
      const mailbox = mailboxName(this.getNode(), this.getNodeParameter('mailbox', 0) as string);
      const login = await readLogin(this, this.getNodeParameter('authentication', 0) as CredentialType);
      return [[await newestMail(this, login, mailbox, itemSettings(this))]];
    } catch (error) {
      throw new NodeOperationError(this.getNode(), error as Error, { itemIndex: 0 });
    }
  }
}
