// What a credential is called where a person is told of it: by the name that it was given, and by its type as n8n shows it.
import type { INode } from 'n8n-workflow';

const TYPES: Readonly<Record<string, string>> = {
  imap: 'IMAP',
  durableImap: 'Durable IMAP',
  durableImapOAuth2Api: 'Durable IMAP OAuth2 API',
  gmailOAuth2: 'Gmail OAuth2 API',
  googleApi: 'Google Service Account API',
  smtp: 'SMTP',
  durableSmtpOAuth2Api: 'Durable SMTP OAuth2 API',
  mailStore: 'Mail Store',
};

export const credentialType = (type: string): string => TYPES[type] ?? type;

/** `"Office" (IMAP)`; where it has no name, `of type IMAP`. Stands behind "the credential". */
export const titleOf = (name: string | undefined, type: string): string =>
  name ? `"${name}" (${credentialType(type)})` : `of type ${credentialType(type)}`;

/** What the node's credential of that type is called. */
export const credentialTitle = ({ credentials }: Pick<INode, 'credentials'>, type: string): string =>
  titleOf(credentials?.[type]?.name, type);
