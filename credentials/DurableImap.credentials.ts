// The login of an IMAP account, with the fields of n8n's own IMAP credential. It exists for its test: n8n tests
// its own type with a test of its own, which says "Command failed" of a wrong password.
import type { ICredentialType, INodeProperties } from 'n8n-workflow';

export class DurableImap implements ICredentialType {
  name = 'durableImap';

  displayName = 'Durable IMAP';

  icon = { light: 'file:durableImap.svg', dark: 'file:durableImap.dark.svg' } as const;

  documentationUrl = 'https://github.com/n8n-nodes-durable-mail/n8n-nodes-durable-mail#readme';

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
    { displayName: 'Host', name: 'host', type: 'string', default: '', placeholder: 'imap.example.com' },
    {
      displayName: 'Port',
      name: 'port',
      type: 'number',
      default: 993,
      description: 'Usually 993 with SSL/TLS, 143 without',
    },
    {
      displayName: 'SSL/TLS',
      name: 'secure',
      type: 'boolean',
      default: true,
      description:
        'Whether the connection is encrypted from its start. Without it, STARTTLS is used where the server offers it.',
    },
    // The rule takes the name for a secret's; it is the one that n8n's own credential has.
    // eslint-disable-next-line @n8n/community-nodes/credential-password-field
    {
      displayName: 'Allow Self-Signed Certificates',
      name: 'allowUnauthorizedCerts',
      type: 'boolean',
      default: false,
      description: 'Whether to connect even if the certificate of the server cannot be verified',
    },
  ];
}
