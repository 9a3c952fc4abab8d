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
import { NodeConnectionTypes } from 'n8n-workflow';
import { keepConsolePort } from '../host/console/port';
import { tellOfFailedTriggers } from '../host/listen/failed-triggers';
import { listen } from '../host/listen/listen';
import { mailStoreTest } from '../host/store/mail-store';
import { mailStoreOptionLogin } from '../host/store/mail-store-choice';
import type { ImapType } from '../host/n8n/imap-credential';
import { nodeError } from '../host/n8n/node-error';
import { pointersOf, runPointers } from '../host/run/run';
import { refuseWithoutMail } from '../host/run/refusal';
import { refuseWhatCannotWork } from '../host/listen/refusal';
import { watchRetries } from '../host/run/retry-by-hand';
import { triggerPanel } from '../host/trigger/editor';
import { imapCollector } from './collector';
import { durableImapTest } from './credential-test';
import { checkLogin, readLogin } from './login';
import { getMailboxes, searchMailboxes } from './mailbox-picker';
import { newestMail } from './preview';
import { hints, properties, subtitle } from './properties';
import { loginCredentials } from './properties/login';
import { runSettings } from './run-settings';
import { listenSettings, previewSettings } from './settings';

export class DurableImapTrigger implements INodeType {
  description: INodeTypeDescription = {
    displayName: 'Durable IMAP Trigger',
    name: 'durableImapTrigger',
    icon: { light: 'file:durableImapTrigger.svg', dark: 'file:durableImapTrigger.dark.svg' },
    group: ['trigger'],
    // Those of the built-in Email Trigger (IMAP), whose workflows are taken over as they are; all of them are one.
    version: [1, 2, 2.1, 2.2],
    defaultVersion: 2.2,
    subtitle,
    description: 'Starts the workflow for every new email, once, and tries again when a run fails',
    eventTriggerDescription: 'Waiting for you to receive an email',
    defaults: { name: 'Durable IMAP Trigger' },
    triggerPanel,
    inputs: [],
    outputs: [NodeConnectionTypes.Main],
    credentials: [...loginCredentials, mailStoreOptionLogin],
    hints,
    properties,
  };

  constructor() {
    watchRetries();
    tellOfFailedTriggers();
    keepConsolePort();
  }

  methods = {
    credentialTest: { durableImapTest, mailStoreTest },
    loadOptions: { getMailboxes },
    listSearch: { searchMailboxes },
  };

  /** Throws only for settings that can never work; faults are ridden out in the background (docs/architecture.md). */
  async trigger(this: ITriggerFunctions): Promise<ITriggerResponse> {
    await refuseWhatCannotWork(this);
    const settings = listenSettings(this);
    const type = this.getNodeParameter('authentication') as ImapType;
    await checkLogin(this, type);
    const collector = imapCollector({ ...settings, login: () => readLogin(this, type) });
    return { closeFunction: await listen(this, settings, collector) };
  }

  async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
    try {
      const pointers = pointersOf(this);
      if (pointers) return [await runPointers(this, pointers, runSettings(this))];
      if (this.getMode() !== 'manual') refuseWithoutMail(this);
      const settings = previewSettings(this);
      const login = await readLogin(this, this.getNodeParameter('authentication', 0) as ImapType);
      return [[await newestMail(this, login, settings)]];
    } catch (error) {
      throw nodeError(this.getNode(), error as Error, { itemIndex: 0 });
    }
  }
}
