// The secret that webhooks are signed with, and the one before it while receivers change over.
// Whether it has the right form the node tests (`testedBy`), which knows how it signs.
import type { ICredentialType, INodeProperties } from 'n8n-workflow';

// It is tested by the node; the rule looks into the node's own file only.
// eslint-disable-next-line @n8n/community-nodes/credential-test-required
export class DurableWebhookSigning implements ICredentialType {
  name = 'durableWebhookSigning';

  displayName = 'Durable Webhook Signing';

  icon = { light: 'file:durableWebhookSigning.svg', dark: 'file:durableWebhookSigning.dark.svg' } as const;

  documentationUrl =
    'https://github.com/n8n-nodes-durable-mail/n8n-nodes-durable-mail/blob/main/docs/webhooks.md';

  properties: INodeProperties[] = [
    {
      displayName:
        'For Standard Webhooks the secret is <code>whsec_</code> and 24 to 64 random bytes in base64. Make one with <code>echo whsec_$(openssl rand -base64 32)</code>, and give it to the receiver. For plain HMAC it is any text that both know.',
      name: 'notice',
      type: 'notice',
      default: '',
    },
    {
      displayName: 'Secret',
      name: 'secret',
      type: 'string',
      typeOptions: { password: true },
      default: '',
      required: true,
      placeholder: 'whsec_…',
      description: 'What webhooks are signed with. The receiver has the same.',
    },
    {
      displayName: 'Previous Secret',
      name: 'previousSecret',
      type: 'string',
      typeOptions: { password: true },
      default: '',
      description:
        'While you change the secret: the one before it. Webhooks are signed with both (Standard Webhooks), so that receivers that have either one accept them. Empty it when all have the new one.',
    },
  ];
}
