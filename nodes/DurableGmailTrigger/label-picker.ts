// The editor's lists of labels: those of the account, as people know them, its own before Gmail's.
import type { ILoadOptionsFunctions, INodePropertyOptions } from 'n8n-workflow';
import { GmailClient } from '../../engine/gmail/api/client';
import type { GmailLabel } from '../../engine/gmail/api/types';
import { nodeError } from '../host/n8n/node-error';
import { readGmailLogin } from './login';
import { isFixedLabel, systemLabelShown } from './system-labels';

/** The editor waits for the list. */
const LIST_MS = 30_000;

/** Fills a list of labels to look for. */
export async function getLabels(this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
  return toOptions(await labels(this));
}

/** Fills a list of labels to add or remove. */
export async function getLabelsToChange(this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
  return toOptions((await labels(this)).filter(({ id }) => !isFixedLabel(id)));
}

async function labels(context: ILoadOptionsFunctions): Promise<readonly GmailLabel[]> {
  try {
    const client = new GmailClient(await readGmailLogin(context), { signal: AbortSignal.timeout(LIST_MS) });
    return await client.labels();
  } catch (error) {
    throw nodeError(context.getNode(), error as Error);
  }
}

const isOwn = ({ id, type }: GmailLabel): boolean => type !== 'system' && systemLabelShown(id) === undefined;

/** A person's own labels first, each group by name. */
export const toOptions = (labels: readonly GmailLabel[]): INodePropertyOptions[] =>
  labels
    .map((label) => ({
      isOwn: isOwn(label),
      option: { name: systemLabelShown(label.id) ?? label.name, value: label.id },
    }))
    .sort((a, b) => Number(b.isOwn) - Number(a.isOwn) || a.option.name.localeCompare(b.option.name, 'en'))
    .map(({ option }) => option);
