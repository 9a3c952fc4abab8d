// The fields that say where an IMAP server is and how the connection to it is secured: the same in every credential
// of ours for IMAP.
import type { INodeProperties } from 'n8n-workflow';

/** @param only shows those that a provider presets only where these fields have these values */
export function connectionProperties(only: Record<string, string[]> = {}): INodeProperties[] {
  const shown = Object.keys(only).length > 0 && { displayOptions: { show: only } };
  return [
    {
      displayName: 'Host',
      name: 'host',
      type: 'string',
      default: '',
      placeholder: 'imap.example.com',
      ...shown,
    },
    {
      displayName: 'Port',
      name: 'port',
      type: 'number',
      default: 993,
      ...shown,
      description: 'Usually 993 with SSL/TLS, 143 without',
    },
    {
      displayName: 'SSL/TLS',
      name: 'secure',
      type: 'boolean',
      default: true,
      ...shown,
      description: 'Whether the connection is encrypted from its start. Without it, STARTTLS decides.',
    },
    {
      displayName: 'STARTTLS',
      name: 'startTls',
      type: 'options',
      options: [
        {
          name: 'If Offered',
          value: 'ifOffered',
          description:
            'Encrypted where the server offers it. Who sits between can prevent that, and read the password.',
        },
        {
          name: 'Never',
          value: 'never',
          description: 'Not encrypted: for a server in a network of your own',
        },
        {
          name: 'Required',
          value: 'required',
          description: 'Encrypted, or no login',
        },
      ],
      default: 'required',
      displayOptions: { show: { ...only, secure: [false] } },
      description: 'Whether a connection that begins without encryption goes over to it before the login',
    },
    {
      displayName: 'CA Certificate',
      name: 'ca',
      type: 'string',
      typeOptions: { rows: 4 },
      default: '',
      placeholder: '-----BEGIN CERTIFICATE-----',
      ...shown,
      description:
        'The certificate (PEM) that signed the one of the server, if it is none of the public ones. It is trusted besides those.',
    },
    {
      displayName: 'Client Certificate',
      name: 'clientCertificate',
      type: 'string',
      typeOptions: { password: true, rows: 4 },
      default: '',
      placeholder: '-----BEGIN CERTIFICATE-----',
      ...shown,
      description: 'Your certificate (PEM), for a server that asks for one',
    },
    {
      displayName: 'Client Key',
      name: 'clientKey',
      type: 'string',
      typeOptions: { password: true, rows: 4 },
      default: '',
      placeholder: '-----BEGIN PRIVATE KEY-----',
      ...shown,
      description: 'The private key (PEM) of the client certificate',
    },
    {
      displayName: 'Client Key Passphrase',
      name: 'clientKeyPassphrase',
      type: 'string',
      typeOptions: { password: true },
      default: '',
      ...shown,
      description: 'What opens the client key, if it is encrypted',
    },
    {
      displayName: 'Allow Self-Signed Certificates',
      name: 'allowUnauthorizedCerts',
      type: 'boolean',
      default: false,
      ...shown,
      description: 'Whether to connect even if the certificate of the server cannot be verified',
    },
    {
      displayName: 'Most Connections',
      name: 'mostConnections',
      type: 'number',
      typeOptions: { minValue: 1, maxValue: 20 },
      default: 3,
      description:
        'How many connections to this account one n8n process may hold. Mailboxes beyond that number are looked at in turn.',
    },
  ];
}
