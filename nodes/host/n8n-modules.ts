// n8n's own modules and services, for what nodes are not told. None of it is part of the documented node API: whoever asks
// for something here gets nothing where it is not there, and has another way or says what is weaker.
import { createRequire } from 'node:module';

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
