// The hooks of one execution, as n8n-core keeps and calls them (execution-lifecycle-hooks.js).
import type { IRun, ITaskData } from 'n8n-workflow';

type Handler = (...args: never[]) => Promise<void>;

export class RunHooks {
  readonly handlers: Record<string, Handler[]> = { workflowExecuteAfter: [], nodeExecuteAfter: [] };
  /** How often somebody wanted to hear of the end. */
  ends = 0;

  addHandler(name: string, handler: Handler): void {
    this.handlers[name]!.push(handler);
    if (name === 'workflowExecuteAfter') this.ends++;
  }

  async end(run: Partial<IRun>): Promise<void> {
    for (const handler of this.handlers['workflowExecuteAfter']!) await handler(run as never);
  }

  async step(name: string, task: Partial<ITaskData>, data?: object): Promise<void> {
    for (const handler of this.handlers['nodeExecuteAfter']!)
      await handler(name as never, task as never, data as never);
  }
}
