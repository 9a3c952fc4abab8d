// All that is asked of n8n beside its documented API for nodes: here and nowhere else (eslint.config.mjs), when it is first
// used. What an n8n does not have is null or false, and what is weaker without it is said once a process, here or by who asks;
// where nothing durable would be left, it is refused in words for people. What is documented, and not in every n8n that may
// meet this package, is in newer.ts.
// Invariant: what is missing, or has another shape, is never a TypeError, and no version number decides anything.
import { createRequire } from 'node:module';
import type {
  IConnections,
  ICredentialDataDecryptedObject,
  IDataObject,
  IExecuteFunctions,
  INode,
  INodeCredentialsDetails,
  IRun,
  ITaskData,
  WorkflowExecuteMode,
} from 'n8n-workflow';
import { sayWeaker, updateN8n } from './weaker';

type EndHandler = (run: IRun) => Promise<void>;
type StepHandler = (step: string, task: Partial<ITaskData> | undefined, data?: unknown) => Promise<void>;

interface Handlers {
  readonly workflowExecuteAfter: EndHandler;
  readonly nodeExecuteAfter: StepHandler;
}

/** n8n's own copy of the workflow, for one execution; it looks for the error workflow there. */
interface WorkflowCopy {
  readonly settings?: { readonly errorWorkflow?: string };
  readonly nodes?: readonly Pick<INode, 'type'>[];
}

/** The hooks of one execution (n8n-core, execution-lifecycle-hooks). */
export interface LifecycleHooks {
  addHandler?(name: string, handler: unknown): void;
  readonly handlers?: { readonly [Name in keyof Handlers]?: Handlers[Name][] };
  workflowData?: WorkflowCopy;
}

interface WorkflowSettings {
  /** `v2`: n8n's engine 2.0. */
  readonly engineType?: string;
}

type WorkflowNodes = Readonly<Record<string, Partial<INode>>>;

/** What a node's context holds beside its documented parts. */
interface Inside {
  readonly additionalData?: {
    readonly hooks?: LifecycleHooks;
    readonly rootExecutionMode?: string | undefined;
  };
  readonly runExecutionData?: {
    readonly parentExecution?: { readonly executionId?: unknown };
    readonly resultData?: { readonly runData?: Readonly<Record<string, readonly Partial<ITaskData>[]>> };
  };
  readonly workflow?: {
    readonly settings?: WorkflowSettings;
    readonly nodes?: WorkflowNodes | null;
    readonly connectionsBySourceNode?: Partial<IConnections>;
  };
}

const inside = (context: object): Inside => context;

export const hooksOf = (context: object): LifecycleHooks | undefined => inside(context).additionalData?.hooks;

/** What n8n lets go of when the execution is over: its hooks, or what is nearest to them. */
export const heldWhileRunning = (context: IExecuteFunctions): object | undefined =>
  hooksOf(context) ?? inside(context).additionalData ?? context.getExecutionCancelSignal();

/** @returns whether it is sure to be called; where n8n does not show that, it may be called all the same */
export function addHook<Name extends keyof Handlers>(
  hooks: LifecycleHooks | undefined,
  name: Name,
  handler: Handlers[Name],
): boolean {
  if (typeof hooks?.addHandler !== 'function') return false;
  try {
    hooks.addHandler(name, handler);
  } catch {
    // It has no hook of that name.
    return false;
  }
  const { handlers } = hooks;
  return handlers ? handlers[name]?.includes(handler) === true : refusesUnknown(hooks);
}

/** A hook of a name that it takes is one that it has. */
function refusesUnknown(hooks: LifecycleHooks): boolean {
  try {
    hooks.addHandler?.('durableMail', () => undefined);
    return false;
  } catch {
    return true;
  }
}

/** In front of n8n's own, where they are shown. */
export function addFirstHook(hooks: LifecycleHooks | undefined, handler: EndHandler): void {
  const known = hooks?.handlers?.workflowExecuteAfter;
  if (Array.isArray(known)) known.unshift(handler);
}

/** Whether runs have hooks here, as far as can be seen where no run is at hand. */
export function runsHaveHooks(): boolean {
  const { ExecutionLifecycleHooks: hooks } = ofN8n<{
    ExecutionLifecycleHooks: { prototype?: LifecycleHooks };
  }>('n8n-core');
  return typeof hooks?.prototype?.addHandler === 'function';
}

/** @returns null: n8n does not show it, so its error workflow hears of every try */
export function workflowCopy({ workflowData }: LifecycleHooks): WorkflowCopy | null {
  if (workflowData) return workflowData;
  sayWeaker(
    'This n8n does not show a node what it knows of the error workflow: that one hears of every try of a mail that fails, ' +
      'and not only of a mail that is given up.',
  );
  return null;
}

export function setWorkflowCopy(hooks: LifecycleHooks, copy: WorkflowCopy): void {
  hooks.workflowData = copy;
}

/** By their names. @returns null: n8n does not show them */
export const workflowNodes = (context: object): WorkflowNodes | null =>
  inside(context).workflow?.nodes ?? null;

/** What each output of the node leads to, by its kind. @returns null: n8n does not show it */
export function connectionsFrom(
  context: Pick<IExecuteFunctions, 'getChildNodes'>,
  name: string,
): Partial<IConnections[string]> | null {
  const connections = inside(context).workflow?.connectionsBySourceNode;
  if (!connections) return null;
  const { getChildNodes } = context as Partial<typeof context>;
  const found = connections[name];
  if (found) return Array.isArray(found['main'] ?? []) ? found : null;
  // The documented API says whether there is anything, and not behind which output.
  return (getChildNodes?.call(context, name) ?? []).length > 0 ? null : {};
}

/** Where no way leads to them it is as if nobody had set anything. */
export function storedSettings(context: object): WorkflowSettings {
  const { settings } = inside(context).workflow ?? {};
  if (!settings) {
    sayWeaker(
      "This n8n does not show a trigger the settings of its workflow: a workflow on n8n's engine 2.0 is not refused when it " +
        'is published, and its mails do not run.',
    );
  }
  return settings ?? {};
}

/** The mode of the run that a person or a trigger started: n8n tells it to the workflows that are called, too. */
export function rootMode(context: IExecuteFunctions): string {
  const mode = context.getMode();
  const { additionalData = {} } = inside(context);
  // Called by another workflow: by which kind of run, only this can tell. It may be there and say nothing.
  if (mode === 'integrated' && !('rootExecutionMode' in additionalData)) {
    sayWeaker(
      'This n8n does not tell a workflow that is called by another whether a person is trying it: a manual test takes ' +
        'the keys of Run Once in the workflows that it calls.',
    );
  }
  return additionalData.rootExecutionMode ?? mode;
}

/** The execution whose step has called this one. @returns null: none, or n8n does not show it */
export function callersExecution(context: object): string | null {
  const id = inside(context).runExecutionData?.parentExecution?.executionId;
  return typeof id === 'string' ? id : null;
}

/** When its first step began, ms since 1970; of a retry, that of the first run. @returns null: n8n does not show it */
export function beganAt(context: object): number | null {
  // Of each step its first call: in a loop there may be thousands.
  const steps = Object.values(inside(context).runExecutionData?.resultData?.runData ?? {});
  const times = steps.map((calls) => calls[0]?.startTime).filter((time) => typeof time === 'number');
  return times.length > 0 ? Math.min(...times) : null;
}

/** The node's parameters as they are stored, with their expressions. @throws Error: n8n does not show them */
export function rawParameters({
  parameters,
}: {
  readonly parameters?: INode['parameters'] | null;
}): IDataObject {
  if (parameters && typeof parameters === 'object') return parameters;
  throw new Error(
    'This n8n does not show a node its parameters as they are stored. They say where its mail is kept and what is to be ' +
      `done once, so nothing is done without them. ${updateN8n()}.`,
  );
}

/** n8n's own copy of a module: that of the program that runs. @returns what it exports; nothing, if it is not there */
function ofN8n<Exports extends object>(module: string): Partial<Exports> {
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

interface Container {
  get(type: object): unknown;
  set(type: object, instance: object): void;
}

/** n8n's services by their classes. @returns null: they are not kept so here */
export function container(): Container | null {
  const { Container } = ofN8n<{ Container: Partial<Container> }>('@n8n/di');
  return typeof Container?.get === 'function' && typeof Container.set === 'function'
    ? (Container as Container)
    : null;
}

/** The instance of a class in n8n's container. @returns null: it is not there, or does not do what is asked of it */
function service<Service extends object>(
  module: string,
  name: string,
  method: keyof Service & string,
): Service | null {
  const type = ofN8n<Record<string, object>>(module)[name];
  try {
    const found = type && (container()?.get(type) as Partial<Service> | undefined);
    return typeof found?.[method] === 'function' ? (found as Service) : null;
  } catch {
    return null;
  }
}

interface LifecycleMetadata {
  register(handler: { handlerClass: object; methodName: string; eventName: string }): void;
}

/** Who is told of all executions of this process. */
export const lifecycleMetadata = (): LifecycleMetadata | null =>
  service<LifecycleMetadata>('@n8n/decorators', 'LifecycleMetadata', 'register');

interface Executions {
  findOneBy(where: { readonly id: string }): Promise<{ readonly mode?: WorkflowExecuteMode } | null>;
}

export const storedExecutions = (): Executions | null =>
  service<Executions>('@n8n/db', 'ExecutionRepository', 'findOneBy');

/** A row of n8n's workflow_publication_trigger_status (from n8n 2.30 on; an older one tries all at each start). */
interface TriggerStatus {
  readonly workflowId: string;
  readonly nodeId: string;
  readonly errorMessage?: string | null;
}

interface TriggerStatuses {
  findBy(where: { readonly status: 'failed' }): Promise<TriggerStatus[]>;
}

/** What n8n has stored of its triggers. */
export const triggerStatuses = (): TriggerStatuses | null =>
  service<TriggerStatuses>('@n8n/db', 'WorkflowPublicationTriggerStatusRepository', 'findBy');

interface InstanceSettings {
  readonly instanceId?: unknown;
  readonly instanceType?: unknown;
  readonly isLeader?: unknown;
}

/** What this process of n8n is. @returns nothing, where it is not to be found out */
export function instanceSettings(): InstanceSettings {
  const { InstanceSettings: type } = ofN8n<{ InstanceSettings: object }>('n8n-core');
  try {
    return (type && (container()?.get(type) as InstanceSettings | undefined)) ?? {};
  } catch {
    return {};
  }
}

/** n8n-core's way to decrypt a stored credential; in an older n8n it answers at once. */
type Decrypting = new (
  details: INodeCredentialsDetails,
  type: string,
  data: string,
) => {
  getData?(): ICredentialDataDecryptedObject | Promise<ICredentialDataDecryptedObject>;
  updateData?(changed: ICredentialDataDecryptedObject): void | Promise<void>;
  getDataToSave?(): { readonly data: string };
};

interface StoredCredentials {
  findOneBy(where: {
    readonly id: string;
  }): Promise<{ readonly type: string; readonly data: string; readonly isResolvable?: boolean } | null>;
  update?(where: object, changed: object): Promise<{ readonly affected?: number | undefined }>;
}

const storedCredentials = (): StoredCredentials | null =>
  service<StoredCredentials>('@n8n/db', 'CredentialsRepository', 'findOneBy');

const decrypting = (): Decrypting | undefined => ofN8n<{ Credentials: Decrypting }>('n8n-core').Credentials;

/** Whether `storedCredential` can find any here. */
export const canReadStoredCredentials = (): boolean => !!decrypting() && storedCredentials() !== null;

/**
 * What n8n gives to a node that runs, for what acts for a node that does not run now. Expressions are not resolved.
 * @param used of its fields; left out: all of them
 * @returns null: it is not to be had here, or what is used of it holds an expression
 */
export async function storedCredential(
  { id, name }: INodeCredentialsDetails,
  type: string,
  used?: readonly string[],
): Promise<ICredentialDataDecryptedObject | null> {
  const Credentials = decrypting();
  const credentials = storedCredentials();
  if (id === null || !Credentials || !credentials) return null;
  const row = await credentials.findOneBy({ id });
  if (row?.type !== type) return null;
  const data = await new Credentials({ id, name }, type, row.data).getData?.();
  const isExpression = ([field, value]: [string, unknown]): boolean =>
    typeof value === 'string' && value.startsWith('=') && (used?.includes(field) ?? true);
  return data && !Object.entries(data).some(isExpression) ? data : null;
}

/**
 * Keeps a token that was refreshed where no node runs, as n8n does where one runs: a provider may take the refresh token before it no
 * longer. Nothing that was stored since is written over.
 * @param before the refresh token that it was made with @returns whether n8n has it
 */
export async function storeRefreshedToken(
  { id, name }: INodeCredentialsDetails,
  type: string,
  before: string,
  token: Readonly<Record<string, string>>,
): Promise<boolean> {
  const Credentials = decrypting();
  const credentials = storedCredentials();
  const row = id === null ? null : await credentials?.findOneBy({ id });
  // Of one whose tokens are each user's own, this row has none.
  if (!Credentials || !credentials?.update || row?.type !== type || row.isResolvable === true) return false;
  const credential = new Credentials({ id, name }, type, row.data);
  if (!credential.updateData || !credential.getDataToSave) return false;
  const known = (await credential.getData?.())?.['oauthTokenData'] as
    ICredentialDataDecryptedObject | undefined;
  if (known?.['refresh_token'] !== before) return false;
  await credential.updateData({ oauthTokenData: { ...known, ...token } });
  const { data } = credential.getDataToSave();
  const { affected } = await credentials.update(
    { id, type, data: row.data },
    { data, updatedAt: new Date() },
  );
  return affected !== 0;
}
