// Where several n8n share a ledger, a trigger is listened to by one of them: a workflow that was copied with its id would
// otherwise have its mails shared out between two, or start twice for one notice of the outbox, and neither would say so.
// Invariant: the one that says so first has it, until it has been silent; the other listens to nothing, and says why.
import { LedgerFault } from '../../../engine/ledger/fault';
import type { Members } from '../../../engine/ledger/members';
import type { NodeId } from '../../../engine/ledger/serving';
import type { ITriggerFunctions } from 'n8n-workflow';
import { sharingInstance } from '../store/this-n8n';

/** To be said again every ten seconds. @throws LedgerFault `twin`: another n8n listens to it */
export async function assertOfThisN8n(
  ledger: Pick<Members, 'noteListening'>,
  { workflowId, nodeId }: NodeId,
  context: Partial<Pick<ITriggerFunctions, 'getInstanceId'>>,
): Promise<void> {
  const sharing = sharingInstance(context);
  if (!sharing) return;
  const [other] = await ledger.noteListening([{ workflowId, nodeId, ...sharing }]);
  if (!other) return;
  throw new LedgerFault(
    'twin',
    `Another n8n that shares this mail ledger (on ${other.host}) listens to a trigger with the same id, in a workflow with the ` +
      'same id: one of the two is a copy. What it starts runs there. To run it here, too, duplicate the workflow in the ' +
      'editor (which gives it an id of its own) and publish that; or unpublish the other one.',
  );
}
