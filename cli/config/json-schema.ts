// The schema of the configuration for editors (JSON Schema 2020-12), as it is shipped in schema.json.
// Invariant: it is made of the schema that the command reads with; a test compares them.
import { configSchema, loadZod } from './schema';

export async function jsonSchema(): Promise<Readonly<Record<string, unknown>>> {
  const zod = await loadZod();
  const made = zod.toJSONSchema(configSchema(zod), { io: 'input', unrepresentable: 'any' });
  return { ...made, title: 'Configuration of durable-mail' };
}
