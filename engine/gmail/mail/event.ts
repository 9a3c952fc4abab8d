// What may happen to a mail in a Gmail account so that it runs a workflow, and the labels by which that is seen.
// Invariant: labels of the user's own are told from Gmail's by their ids alone, whatever their names.

/**
 * What makes a mail run the workflow, once for each mail (and label):
 * - `received`: it has arrived;
 * - `labelAdded`: it was given one of `eventLabels` (any label of the user's own, if there are none);
 * - `sent`: the account has sent it;
 * - `starred`: it was given a star.
 */
export type GmailEvent = 'received' | 'labelAdded' | 'sent' | 'starred';

export const STARRED = 'STARRED';

/** Labels of the user's own have ids like this; the others are Gmail's. */
export const isOwnLabel = (labelId: string): boolean => labelId.startsWith('Label_');
