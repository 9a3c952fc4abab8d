// Where Google's services are for a node: they are its options. Read from the node as it is stored, because a trigger
// that listens can resolve no parameter any more.
import type { INode } from 'n8n-workflow';
import type { GmailLogin } from '../../engine/gmail/api/login';
import { rawParameters } from '../host/n8n/internals';
import { ADDRESSES, address } from './settings/watching';

export interface GmailEndpoints extends Pick<GmailLogin, 'endpoints' | 'quota'> {
  /** Where service accounts get their tokens. */
  readonly tokenUrl: string;
}

/** @throws Error that names the setting */
export function gmailEndpoints(node: INode): GmailEndpoints {
  const options = (rawParameters(node)['options'] ?? {}) as Readonly<Record<string, unknown>>;
  const read = (name: keyof typeof ADDRESSES): string =>
    address({ node, get: (option) => options[option] }, name);
  return {
    endpoints: { gmail: read('apiBaseUrl'), pubsub: read('pubsubBaseUrl') },
    tokenUrl: read('tokenUrl'),
    quota: options['quotaTable'] === 'old' ? 'old' : 'new',
  };
}
