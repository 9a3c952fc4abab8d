// One process of n8n, main, worker or webhook, with a user folder of its own and the built package in it. It starts as
// quickly as it can: with its tables made and its owner there (test/prepare.mjs), and without what no test looks at.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { N8nApi, quietN8nEnvironment } from '../../tools/n8n.mjs';
import { ROOT } from '../../tools/shell.mjs';
import { freePort } from './net';
import { arePrepared, ENCRYPTION_KEY, fillUserFolder } from './prepared';
import { ServerProcess } from './server-process';

/** Set by test/prepare.mjs. Tests run under a Node that n8n runs on. */
const N8N = process.env['DURABLE_MAIL_N8N'] ?? '';

/** What each part that a process can play is started with. */
const ROLES = {
  main: ['start'],
  worker: ['worker', '--concurrency=10'],
  webhook: ['webhook'],
} as const;

/** What saves time and changes nothing that a test looks at; a test may set each of them otherwise. */
const QUICK = {
  N8N_ENCRYPTION_KEY: ENCRYPTION_KEY,
  // No process beside it for the code of Code nodes: no workflow of the tests has one.
  N8N_RUNNERS_MODE: 'external',
  N8N_RUNNERS_AUTH_TOKEN: 'nobody has it',
};

/**
 * Parts of n8n that neither run a workflow nor serve a node. Its tables have all of them, from its first start; so has an n8n with
 * its editor (n8n.ts).
 */
const NOT_LOOKED_AT = `
  agents breaking-changes chat-hub external-secrets favorites instance-ai ldap mcp mcp-registry n8n-packages oauth-server otel
  quick-connect source-control sso-oidc sso-saml token-exchange workflow-reviews`;

/** Of the some 500 nodes of n8n's own: those that workflows of the tests, and the templates, have. n8n refuses any other one. */
const NODES = `
  convertToFile emailReadImap emailSend errorTrigger executeWorkflow executeWorkflowTrigger gmailTrigger httpRequest if
  manualTrigger noOp scheduleTrigger set sort splitInBatches splitOut stickyNote stopAndError wait webhook`;

const wordsOf = (text: string): readonly string[] => text.trim().split(/\s+/);

/** As n8n names those of the package: by their files. */
function ownNodes(): readonly string[] {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly n8n: { readonly nodes: readonly string[] };
  };
  return manifest.n8n.nodes
    .map((path) => basename(path, '.node.js'))
    .map((name) => `${manifest.name}.${name[0]!.toLowerCase()}${name.slice(1)}`);
}

/** A third of the work of a start, and 140 MB, are for what no test looks at. */
const LEAN = {
  N8N_DISABLED_MODULES: wordsOf(NOT_LOOKED_AT).join(','),
  NODES_INCLUDE: JSON.stringify([...wordsOf(NODES).map((name) => `n8n-nodes-base.${name}`), ...ownNodes()]),
};

/** All of n8n, as people have it. */
export const WHOLE: Readonly<Record<keyof typeof LEAN, string>> = {
  N8N_DISABLED_MODULES: '',
  NODES_INCLUDE: '[]',
};

export class N8nProcess {
  readonly folder: string;
  readonly port: number;
  readonly #server: ServerProcess;

  private constructor(
    role: keyof typeof ROLES,
    place: { folder: string; port: number; brokerPort: number },
    environment: Readonly<Record<string, string>>,
  ) {
    const { folder, port } = place;
    this.folder = folder;
    this.port = port;
    const api = new N8nApi(`http://127.0.0.1:${port}`);
    this.#server = new ServerProcess({
      name: `n8n's ${role}`,
      command: [process.execPath, N8N, ...ROLES[role]],
      cwd: folder,
      logFile: join(folder, 'n8n.log'),
      environment: {
        PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
        ...quietN8nEnvironment(place),
        ...QUICK,
        // An older one does not know all of these names.
        ...(arePrepared() && LEAN),
        // What a worker says about its health is all that it serves.
        ...(role === 'worker' && {
          QUEUE_HEALTH_CHECK_ACTIVE: 'true',
          QUEUE_HEALTH_CHECK_PORT: String(port),
        }),
        ...environment,
      },
      answers: () => (role === 'main' ? api.isReady() : api.isHealthy()),
      deadlineMs: 120_000,
      telling: /durable-mail|error|warn|exit|listening|Activat/i,
    });
  }

  /** A new one, not started yet. */
  static async installed(
    role: keyof typeof ROLES,
    environment: Readonly<Record<string, string>>,
  ): Promise<N8nProcess> {
    const folder = await mkdtemp(join(tmpdir(), `n8n-${role}-`));
    await fillUserFolder(folder);
    const place = { folder, port: await freePort(), brokerPort: await freePort() };
    return new N8nProcess(role, place, environment);
  }

  /** Starts it, again after `down`, with everything that was stored. */
  up(): Promise<void> {
    return this.#server.up();
  }

  /** Ends it; SIGKILL is a crash. */
  down(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    return this.#server.down(signal);
  }

  /** Whether it can work now: also its database answers. */
  isReady(): Promise<boolean> {
    return this.#server.answers();
  }

  /** Of the running process. */
  get pid(): number | undefined {
    return this.#server.pid;
  }

  /** It does nothing for a while and does not know it, as on a machine that is suspended. */
  freeze(): void {
    this.#server.freeze();
  }

  resume(): void {
    this.#server.resume();
  }

  log(): Promise<string> {
    return this.#server.log();
  }

  async dispose(): Promise<void> {
    await this.down();
    await rm(this.folder, { recursive: true, force: true });
  }
}
