// n8n's own floor: a trigger that does nothing but emit, as many runs at once as ours has, each with a mail of the usual size; as
// soon as it is published, or when n8n's process gets SIGUSR2.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cleanup } from '../../test/support/cleanup';

export const FLOOR_TRIGGER = { type: 'CUSTOM.floorTrigger', typeVersion: 1 } as const;

const NODE = `
class FloorTrigger {
  description = {
    displayName: 'Floor Trigger',
    name: 'floorTrigger',
    group: ['trigger'],
    version: 1,
    description: 'Emits',
    defaults: { name: 'Floor Trigger' },
    inputs: [],
    outputs: ['main'],
    properties: [
      { displayName: 'Mails', name: 'mails', type: 'number', default: 1 },
      { displayName: 'At Once', name: 'atOnce', type: 'number', default: 5 },
      { displayName: 'On Signal', name: 'onSignal', type: 'boolean', default: false },
    ],
  };

  async trigger() {
    const mails = this.getNodeParameter('mails');
    const atOnce = this.getNodeParameter('atOnce');
    let next = 0;
    let closed = false;
    const run = async () => {
      while (!closed && next < mails) {
        const json = { subject: 'floor ' + next++, textPlain: 'some words '.repeat(400) };
        const done = this.helpers.createDeferredPromise();
        this.emit([[{ json }]], undefined, done);
        await done.promise.catch(() => undefined);
      }
    };
    const begin = () => {
      for (let index = 0; index < atOnce; index++) void run();
    };
    if (!this.getNodeParameter('onSignal')) {
      begin();
      return { closeFunction: async () => void (closed = true) };
    }
    process.setMaxListeners(100);
    process.on('SIGUSR2', begin);
    const closeFunction = async () => {
      closed = true;
      process.off('SIGUSR2', begin);
    };
    return { closeFunction };
  }
}
module.exports = { FloorTrigger };
`;

/** @returns the environment of an n8n that knows it */
export async function floorEnvironment(cleanup: Cleanup): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'floor-'));
  await cleanup.of(Promise.resolve({ dispose: () => rm(folder, { recursive: true, force: true }) }));
  await writeFile(join(folder, 'FloorTrigger.node.js'), NODE);
  return { N8N_CUSTOM_EXTENSIONS: folder };
}
