// What every mail trigger tells a person in n8n's editor.
import type { INodeTypeDescription } from 'n8n-workflow';

const TEST_HELP =
  "<b>While building your workflow</b>, click 'Execute step': it shows the newest email that fits, and changes nothing.<br /><br />";

export const triggerPanel: NonNullable<INodeTypeDescription['triggerPanel']> = {
  header: '',
  executionsHelp: {
    inactive: `${TEST_HELP}<b>Once you're happy with your workflow</b>, publish it. Then every new email starts it, and shows up in the <a data-key='executions'>executions list</a>.`,
    active: `${TEST_HELP}<b>Your workflow also runs by itself</b>, since it is published: every new email starts it, and shows up in the <a data-key='executions'>executions list</a>.`,
  },
  activationHint:
    "Once you've finished building your workflow, publish it. From then on every new email starts it, also those that arrive while n8n is down. A run that fails is tried again from its start: put a Run Once node before a step that must not be done twice.",
};
