// What is done with a mail in Gmail when its run has ended, as a person chose it.
import type { GmailMailAction } from '../../../engine/gmail/act/action';
import { type Parameters, text, texts } from '../../host/trigger/parameters';
import { isFixedLabel } from '../system-labels';

/** Where a choice is made, and what its labels are called in the editor. */
interface Choice {
  readonly shown: string;
  readonly action: string;
  readonly labels: string;
  readonly labelsShown: string;
}

export const AFTER_SUCCESS: Choice = {
  shown: 'After Success',
  action: 'postProcessAction',
  labels: 'successLabels',
  labelsShown: 'Success Label Names or IDs',
};

export const WHEN_DEAD: Choice = {
  shown: 'When Dead',
  action: 'deadAction',
  labels: 'deadLabels',
  labelsShown: 'When Dead: Label Names or IDs',
};

/** @throws Error that names the setting */
export function mailAction(parameters: Parameters, choice: Choice): GmailMailAction | null {
  const action = text(parameters, choice.action);
  switch (action) {
    case '':
    case 'nothing':
      return null;
    case 'read':
      return { kind: 'changeLabels', add: [], remove: ['UNREAD'] };
    case 'archive':
      return { kind: 'changeLabels', add: [], remove: ['INBOX'] };
    case 'addLabels':
      return { kind: 'changeLabels', add: labels(parameters, choice, 'add'), remove: [] };
    case 'removeLabels':
      return { kind: 'changeLabels', add: [], remove: labels(parameters, choice, 'remove') };
    case 'trash':
      return { kind: 'trash' };
    default:
      throw new Error(`"${choice.shown}" is "${action}", which this node does not know.`);
  }
}

function labels(parameters: Parameters, { labels, labelsShown }: Choice, verb: 'add' | 'remove'): string[] {
  const ids = texts(parameters, labels);
  if (ids.length === 0) throw new Error(`"${labelsShown}" is empty. Choose the labels to ${verb}.`);
  const fixed = ids.find(isFixedLabel);
  if (fixed !== undefined)
    throw new Error(`"${labelsShown}" has ${fixed}, which Gmail lets nobody ${verb}. Choose others.`);
  return ids;
}
