// Wires the node that serves the Mail Console behind n8n's own webhooks. It starts no execution.
import type {
  IHookFunctions,
  INodeType,
  INodeTypeDescription,
  IWebhookFunctions,
  IWebhookResponseData,
} from 'n8n-workflow';
import { keepConsolePort } from '../host/console/port';
import { mailStoreTest } from '../host/store/mail-store';
import { addresses } from './addresses';
import { answer } from './answer';
import { credentials, properties } from './properties';
import { refuseWhatCannotWork } from './refusal';

const NO_EXECUTIONS = 'None: this node shows a page, and starts no execution.';

export class MailConsole implements INodeType {
  description: INodeTypeDescription = {
    displayName: 'Mail Console',
    name: 'mailConsole',
    icon: { light: 'file:mailConsole.svg', dark: 'file:mailConsole.dark.svg' },
    group: ['trigger'],
    version: 1,
    subtitle: '={{ $parameter["right"] === "read" ? "to look" : "to look and act" }}',
    description: 'Shows live what becomes of your mail, on a page of its own; it starts no execution',
    eventTriggerDescription: 'Waiting for you to open the Test URL, for two minutes',
    activationMessage: 'The Mail Console is at the Production URL that this node shows.',
    triggerPanel: { hideContent: true, header: '', executionsHelp: NO_EXECUTIONS, activationHint: '' },
    defaults: { name: 'Mail Console' },
    inputs: [],
    outputs: [],
    credentials,
    webhooks: addresses,
    properties,
  };

  constructor() {
    keepConsolePort();
  }

  methods = { credentialTest: { mailStoreTest } };

  webhookMethods = {
    default: {
      /** Never: so what cannot work is refused each time that it is published. */
      async checkExists(this: IHookFunctions): Promise<boolean> {
        return false;
      },
      /** Nobody outside is told of the address. */
      async create(this: IHookFunctions): Promise<boolean> {
        await refuseWhatCannotWork(this);
        return true;
      },
      async delete(this: IHookFunctions): Promise<boolean> {
        return true;
      },
    },
  };

  async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
    return answer(this);
  }
}
