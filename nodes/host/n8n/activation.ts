// Why n8n starts a trigger: whether a person waits for the answer, and whether the trigger was switched off before.
import type { ITriggerFunctions, WorkflowActivateMode } from 'n8n-workflow';

type Context = Pick<ITriggerFunctions, 'getActivationMode'>;

const BY_A_PERSON: readonly WorkflowActivateMode[] = ['activate', 'create', 'update'];
/** A restart, or an edit, is something else. */
const SWITCHED_ON: readonly WorkflowActivateMode[] = ['activate', 'create'];

/** A person has just published the workflow, or an edit of it. */
export const isByPerson = (context: Context): boolean => BY_A_PERSON.includes(context.getActivationMode());

/** The workflow was not published until now. */
export const isSwitchedOn = (context: Context): boolean => SWITCHED_ON.includes(context.getActivationMode());
