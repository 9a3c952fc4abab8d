// Wires the node: `trigger()` listens in n8n's main process and emits pointers; `execute()` is the first step
// of each run, where the mail is claimed and handed out; `webhook()` is what Pub/Sub calls, in any process.
import type {
  IExecuteFunctions,
  INodeExecutionData,
  INodeType,
  INodeTypeDescription,
  ITriggerFunctions,
  ITriggerResponse,
  IWebhookFunctions,
  IWebhookResponseData,
} from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';
import { keepConsolePort } from '../host/console/port';
import { tellOfFailedTriggers } from '../host/listen/failed-triggers';
import { listen } from '../host/listen/listen';
import { mailStoreTest } from '../host/store/mail-store';
import { mailStoreOptionLogin } from '../host/store/mail-store-choice';
import { nodeError } from '../host/n8n/node-error';
import { refuseWhatCannotWork } from '../host/listen/refusal';
import { watchRetries } from '../host/run/retry-by-hand';
import { pointersOf, runPointers } from '../host/run/run';
import { refuseWithoutMail } from '../host/run/refusal';
import { triggerPanel } from '../host/trigger/editor';
import { gmailCollector } from './collector';
import { getLabels, getLabelsToChange } from './label-picker';
import { checkGmailLogin, pubsubToken, readGmailLogin, storedGmailLogin } from './login';
import { newestMail } from './preview';
import { hints, properties, pushWebhook, subtitle } from './properties';
import { loginCredentials } from './properties/login';
import { handlePush } from './push-webhook';
import { runItems, runSettings } from './run-settings';
import { listenSettings, mostReadBytes, previewSettings } from './settings';

// Whoever wants pushes makes the subscription in Google Cloud: there is nothing that a node could register there.
// eslint-disable-next-line @n8n/community-nodes/webhook-lifecycle-complete
export class DurableGmailTrigger implements INodeType {
  description: INodeTypeDescription = {
    displayName: 'Durable Gmail Trigger',
    name: 'durableGmailTrigger',
    icon: { light: 'file:durableGmailTrigger.svg', dark: 'file:durableGmailTrigger.dark.svg' },
    group: ['trigger'],
    // Those of the built-in Gmail Trigger, whose workflows are taken over as they are; all of them are one.
    version: [1, 1.1, 1.2, 1.3, 1.4],
    defaultVersion: 1.4,
    subtitle,
    description: 'Starts the workflow for every new email in Gmail, once, and tries again when a run fails',
    eventTriggerDescription: 'Waiting for you to receive an email',
    defaults: { name: 'Durable Gmail Trigger' },
    triggerPanel,
    inputs: [],
    outputs: [NodeConnectionTypes.Main],
    credentials: [...loginCredentials, mailStoreOptionLogin],
    webhooks: [pushWebhook],
    hints,
    properties,
  };

  constructor() {
    watchRetries();
    tellOfFailedTriggers();
    keepConsolePort();
  }

  methods = {
    credentialTest: { mailStoreTest },
    loadOptions: { getLabels, getLabelsToChange },
  };

  /** Throws only for settings that can never work; faults are ridden out in the background (docs/architecture.md). */
  async trigger(this: ITriggerFunctions): Promise<ITriggerResponse> {
    await refuseWhatCannotWork(this);
    const settings = listenSettings(this);
    await checkGmailLogin(this);
    const collector = gmailCollector(this, {
      ...settings,
      login: () => readGmailLogin(this),
      stored: () => storedGmailLogin(this),
      pubsubToken: () => pubsubToken(this),
    });
    return { closeFunction: await listen(this, settings, collector) };
  }

  async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
    try {
      const pointers = pointersOf(this);
      if (pointers) return [await runPointers(this, pointers, runSettings(this))];
      if (this.getMode() !== 'manual') refuseWithoutMail(this);
      const settings = {
        wanted: previewSettings(this),
        mostReadBytes: mostReadBytes(this),
        items: runItems(this),
      };
      return [[await newestMail(this, await readGmailLogin(this), settings)]];
    } catch (error) {
      throw nodeError(this.getNode(), error as Error, { itemIndex: 0 });
    }
  }

  /** Wakes the trigger; it starts no execution. */
  async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
    return handlePush(this);
  }
}
