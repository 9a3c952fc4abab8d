// Templates of mails through the node: looked at, saved, removed, and previewed with values.
// Invariant: what would fail when it is sent is an error when it is saved.
import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { askableText } from '../../../engine/ledger/askable';
import {
  MOST_TEMPLATE_NAME,
  MOST_TEMPLATE_TEXT,
  type Template,
  type TemplateTexts,
} from '../../../engine/ledger/templates';
import { placeholdersOf, render } from '../../../engine/outbox/mail/render';
import { isoTime } from '../../../engine/runtime/iso-time';
import { nodeError } from '../../host/n8n/node-error';
import type { MailLedgerStore } from '../actions';
import { textOf } from '../filters';

type Operation = (
  context: IExecuteFunctions,
  itemIndex: number,
  store: MailLedgerStore,
) => Promise<IDataObject[]>;

export const templateOperations: Readonly<Record<string, Operation>> = {
  get: async (context, itemIndex, store) => [templateJson(await named(context, itemIndex, store))],
  getAll: async (_context, _itemIndex, { ledger }) => (await ledger.templates()).map(templateJson),
  preview: async (context, itemIndex, store) => {
    const template = await named(context, itemIndex, store);
    return [{ name: template.name, ...render(template, readValues(context, itemIndex)) }];
  },
  remove: async (context, itemIndex, { ledger }) => {
    const name = readName(context, itemIndex);
    if (await ledger.removeTemplate(name, by(context))) return [{ name, removed: true }];
    throw isNone(context, itemIndex, name);
  },
  save: async (context, itemIndex, { ledger }) => {
    const name = readName(context, itemIndex);
    const texts = readTexts(context, itemIndex);
    placeholdersOf(texts);
    return [templateJson(await ledger.saveTemplate(name, texts, by(context)))];
  },
};

const by = (context: IExecuteFunctions): string => `workflow ${context.getWorkflow().id ?? ''}`.trimEnd();

async function named(
  context: IExecuteFunctions,
  itemIndex: number,
  { ledger }: MailLedgerStore,
): Promise<Template> {
  const name = readName(context, itemIndex);
  const template = await ledger.template(name);
  if (template) return template;
  throw isNone(context, itemIndex, name);
}

const isNone = (context: IExecuteFunctions, itemIndex: number, name: string): Error =>
  nodeError(context.getNode(), `There is no template "${name.slice(0, 80)}" in this mail ledger`, {
    itemIndex,
    description: 'Get Many of the resource Template shows those that there are.',
  });

function readName(context: IExecuteFunctions, itemIndex: number): string {
  const name = askableText(textOf(context.getNodeParameter('templateName', itemIndex, '')).trim(), 'Name');
  if (name !== '' && name.length <= MOST_TEMPLATE_NAME) return name;
  const wrong = name === '' ? '"Name" is empty' : `"Name" has more than ${MOST_TEMPLATE_NAME} characters`;
  throw nodeError(context.getNode(), wrong, { itemIndex });
}

function readTexts(context: IExecuteFunctions, itemIndex: number): TemplateTexts {
  const read = (parameter: string, label: string): string => {
    const text = askableText(textOf(context.getNodeParameter(parameter, itemIndex, '')), label);
    if (text.length <= MOST_TEMPLATE_TEXT) return text;
    throw nodeError(context.getNode(), `"${label}" has more than ${MOST_TEMPLATE_TEXT} characters`, {
      itemIndex,
    });
  };
  const texts = {
    subject: read('templateSubject', 'Subject'),
    text: read('templateText', 'Text') || null,
    html: read('templateHtml', 'HTML') || null,
  };
  if (texts.text !== null || texts.html !== null) return texts;
  throw nodeError(context.getNode(), 'A template needs a text or HTML', {
    itemIndex,
    description: 'Enter what the mail is to say under Text, under HTML, or both.',
  });
}

function readValues(context: IExecuteFunctions, itemIndex: number): Readonly<Record<string, unknown>> {
  const given: unknown = context.getNodeParameter('templateValues', itemIndex, '{}');
  const values = typeof given === 'string' ? parsed(given) : given;
  if (typeof values === 'object' && values !== null && !Array.isArray(values))
    return values as Readonly<Record<string, unknown>>;
  throw nodeError(context.getNode(), '"Values" is no JSON object', {
    itemIndex,
    description: 'Write a value for each name, such as {"name": "Ann"}.',
  });
}

function parsed(text: string): unknown {
  try {
    return text.trim() === '' ? {} : JSON.parse(text);
  } catch {
    return null;
  }
}

function templateJson({ changedAt, ...template }: Template): IDataObject {
  return { ...template, values: namesIn(template), changedAt: isoTime(changedAt) };
}

/** One that cannot be sent is shown all the same. */
function namesIn(template: TemplateTexts): string[] {
  try {
    return [...placeholdersOf(template)];
  } catch {
    return [];
  }
}
