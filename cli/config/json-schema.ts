// The schema of the configuration for editors (JSON Schema 2020-12), as it is shipped in schema.json.
// Invariant: it is made of the schema that the command reads with; a test compares them.
import { configSchema, loadZod } from './schema';

export async function jsonSchema(): Promise<string> {
  const zod = await loadZod();
  const made = zod.toJSONSchema(configSchema(zod), { io: 'input', unrepresentable: 'any', target: 'draft-2020-12' });
  return `${JSON.stringify({ ...made, title: 'Configuration of durable-mail' }, null, 2)}\n`;
}
