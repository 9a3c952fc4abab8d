// n8n's own modules and services, for what nodes are not told. None of it is part of the documented node API: whoever asks
// for something here gets nothing where it is not there, and has another way or says what is weaker.
import { createRequire } from 'node:module';
import type { ICredentialDataDecryptedObject, INodeCredentialsDetails } from 'n8n-workflow';

export interface Container {
  get(type: object): unknown;
  set(type: object, instance: object): void;
}

/** n8n's own copy of a module: that of the program that runs. @returns what it exports; nothing, if it is not there */
function fromN8n<Exports extends object>(module: string): Partial<Exports> {
  for (const from of [require.main?.filename, __filename]) {
    if (!from) continue;
    try {
      return createRequire(from)(module) as Exports;
    } catch {
      // Not from there.
    }
  }
  return {};
}

/** n8n's services by their classes. @returns null: they are not kept so here */
export function container(): Container | null {
  const { Container } = fromN8n<{ Container: Partial<Container> }>('@n8n/di');
  return typeof Container?.get === 'function' && typeof Container.set === 'function'
    ? (Container as Container)
    : null;
}

/** The service that is an instance of a class. @returns null: this n8n has none */
export function service<Service extends object>(module: string, name: string): Partial<Service> | null {
  const type = fromN8n<Record<string, object>>(module)[name];
  try {
    return (type && (container()?.get(type) as Service | undefined)) ?? null;
  } catch {
    return null;
  }
}

/** n8n-core's way to decrypt a stored credential; in an older n8n it answers at once. */
type Decrypting = new (
  details: INodeCredentialsDetails,
  type: string,
  data: string,
) => { getData?(): ICredentialDataDecryptedObject | Promise<ICredentialDataDecryptedObject> };

interface StoredCredentials {
  findOneBy(where: { readonly id: string }): Promise<{ readonly type: string; readonly data: string } | null>;
}

/**
 * What n8n gives to a node that runs, for what acts for a node that does not run now. Expressions are not resolved.
 * @returns null: it is not to be had here
 */
export async function storedCredential(
  { id, name }: INodeCredentialsDetails,
  type: string,
): Promise<ICredentialDataDecryptedObject | null> {
  const { Credentials } = fromN8n<{ Credentials: Decrypting }>('n8n-core');
  const credentials = service<StoredCredentials>('@n8n/db', 'CredentialsRepository');
  if (id === null || !Credentials || typeof credentials?.findOneBy !== 'function') return null;
  const row = await credentials.findOneBy({ id });
  if (row?.type !== type) return null;
  const data = await new Credentials({ id, name }, type, row.data).getData?.();
  const isExpression = (value: unknown): boolean => typeof value === 'string' && value.startsWith('=');
  return data && !Object.values(data).some(isExpression) ? data : null;
}

/** The id of this n8n, where no node's context tells it. @returns undefined: it is not to be found out */
export function instanceId(): string | undefined {
  const id = service<{ instanceId: unknown }>('n8n-core', 'InstanceSettings')?.instanceId;
  return typeof id === 'string' ? id : undefined;
}
