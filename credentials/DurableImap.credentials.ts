// The login of an IMAP account by password: the fields of n8n's own IMAP credential, and those that it lacks. Its test
// says what is wrong, where that of n8n's own type says "Command failed" of a wrong password.
import type { ICredentialType, INodeProperties } from 'n8n-workflow';
import { connectionProperties } from './imap-connection';

// It is tested by the trigger (`testedBy` in its properties/login.ts); the rule looks into the node's own file only.
// eslint-disable-next-line @n8n/community-nodes/credential-test-required
export class DurableImap implements ICredentialType {
  name = 'durableImap';

  displayName = 'Durable IMAP';

  icon = { light: 'file:durableImap.svg', dark: 'file:durableImap.dark.svg' } as const;

  documentationUrl =
    'https://github.com/n8n-nodes-durable-mail/n8n-nodes-durable-mail/blob/main/docs/imap.md#logging-in';

  properties: INodeProperties[] = [
    { displayName: 'User', name: 'user', type: 'string', default: '', placeholder: 'ann@example.com' },
    {
      displayName: 'Password',
      name: 'password',
      type: 'string',
      typeOptions: { password: true },
      default: '',
      description: 'Many providers need an app password here, made in the settings of your mail account',
    },
    ...connectionProperties(),
  ];
}
