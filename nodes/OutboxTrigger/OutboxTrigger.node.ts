// Wires the trigger that starts a workflow for what went out and did not arrive.
import type { INodeType, INodeTypeDescription, ITriggerFunctions, ITriggerResponse } from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';
import { refuseWhatCannotListen } from '../host/listen/refusal';
import { nodeError } from '../host/n8n/node-error';
import { mailStoreTest } from '../host/store/mail-store';
import { openStore } from '../host/store/store';
import { listenToOutbox } from './listening';
import { newestNotice } from './preview';
import { properties } from './properties';
import { noticesAsked } from './settings';

export class OutboxTrigger implements INodeType {
  description: INodeTypeDescription = {
    displayName: 'Outbox Trigger',
    name: 'outboxTrigger',
    icon: { light: 'file:outboxTrigger.svg', dark: 'file:outboxTrigger.dark.svg' },
    group: ['trigger'],
    version: 1,
    subtitle:
      '={{ $parameter["entryKind"] === "mail" ? "emails" : $parameter["entryKind"] === "webhook" ? "webhooks" : "" }}',
    description:
      'Starts the workflow when an email or a webhook of the outbox failed for good, is in doubt, or bounced',
    eventTriggerDescription: 'Waiting for an entry of the outbox that a person has to see to',
    defaults: { name: 'Outbox Trigger' },
    inputs: [],
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

  /** Throws only for settings that can never work. */
  async trigger(this: ITriggerFunctions): Promise<ITriggerResponse> {
    try {
      const asked = noticesAsked(this);
      if (this.getMode() === 'manual') return { manualTriggerFunction: () => preview(this, asked) };
      await refuseWhatCannotListen(this);
      return { closeFunction: await listenToOutbox(this, asked) };
    } catch (error) {
      throw nodeError(this.getNode(), error as Error);
    }
  }
}

async function preview(context: ITriggerFunctions, asked: ReturnType<typeof noticesAsked>): Promise<void> {
  const { ledger } = await openStore(context);
  const item = await newestNotice(ledger, asked);
  if (!item)
    throw nodeError(context.getNode(), 'There is nothing in the outbox that would start this workflow', {
      description: 'That is good news. Publish the workflow: it starts when there is something.',
    });
  context.emit([[item]]);
}
