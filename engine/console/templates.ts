// Templates through the console: saved, removed, and previewed with values.
// Invariants: a preview changes nothing and sends nothing; what it answers is data, HTML too: who shows it sees to that it can do
// nothing; what would fail when it is sent is said when it is saved.
import { askableText } from '../ledger/askable';
import {
  MOST_TEMPLATE_NAME,
  MOST_TEMPLATE_TEXT,
  type Template,
  type Templates,
  type TemplateTexts,
} from '../ledger/templates';
import type { Act, Body } from './acting';
import { only } from './asked-acts';
import { isObject } from './body';
import type { ConsoleContext, Rendering } from './context';
import type { ConsoleLedger } from './ports';
import type { PreviewAnswer, RemovedAnswer, TemplateAnswer } from './outbox-api';
import { tellTemplate } from './outbox-told';
import { shown, textIn } from './query';
import { Refusal } from './refusal';

/** Of a request with a template: both of its texts, in JSON. */
export const MOST_TEMPLATE_OCTETS = 4_194_304;

export const saveTemplate: Act = async ({ ledger, templates }, body, by): Promise<TemplateAnswer> => {
  const { name, subject, text, html, ...more } = body;
  only(more);
  const texts = textsIn({ subject, text, html });
  valuesOf(templates, texts);
  return templateAnswer(await ledger.saveTemplate(nameIn(name), texts, by), templates);
};

export const removeTemplate: Act = async ({ ledger }, { name, ...more }, by): Promise<RemovedAnswer> => {
  only(more);
  if (!(await ledger.removeTemplate(nameIn(name), by))) throw isNone();
  return { removed: true };
};

/** @throws Refusal, LedgerFault */
export async function preview(
  { ledger, templates }: { readonly ledger: ConsoleLedger } & Pick<ConsoleContext, 'templates'>,
  { values, name, subject, text, html, ...more }: Body,
): Promise<PreviewAnswer> {
  only(more);
  if (!isObject(values))
    throw new Refusal(400, '"values" has to be an object, with a value for each name: {"name": "Ann"}.');
  const isByName = name !== undefined && [subject, text, html].every((one) => one === undefined);
  if (!isByName && name !== undefined)
    throw new Refusal(400, 'There has to be either "name", of a template, or "subject", "text" and "html".');
  const texts = isByName ? await templateOf(ledger, nameIn(name)) : textsIn({ subject, text, html });
  try {
    return { ...templates.render(texts, values), values: templates.valuesOf(texts) };
  } catch (error) {
    throw said(error);
  }
}

export const templateAnswer = (template: Template, templates: Rendering): TemplateAnswer => ({
  template: tellTemplate(template),
  values: valuesOrNone(template, templates),
});

/** @throws Refusal */
export async function templateOf(ledger: Pick<Templates, 'template'>, name: string): Promise<Template> {
  const template = await ledger.template(name);
  if (template) return template;
  throw isNone();
}

const isNone = (): Refusal => new Refusal(404, 'There is no template of this name. /api/templates has them.');

/** One that was saved by a version that knew more is shown all the same. */
function valuesOrNone(texts: TemplateTexts, templates: Rendering): readonly string[] {
  try {
    return templates.valuesOf(texts);
  } catch {
    return [];
  }
}

function valuesOf(templates: Rendering, texts: TemplateTexts): readonly string[] {
  try {
    return templates.valuesOf(texts);
  } catch (error) {
    throw said(error);
  }
}

/** What is wrong with a template is for people, in the words of whoever renders it. */
const said = (error: unknown): Refusal =>
  new Refusal(400, error instanceof Error ? error.message : String(error));

function nameIn(given: unknown): string {
  const name = typeof given === 'string' ? textIn(given, 'name', MOST_TEMPLATE_NAME).trim() : '';
  if (name !== '') return name;
  throw new Refusal(400, `"name" has to be text: what the template is called, and is "${shown(given)}".`);
}

function textsIn({ subject, text, html }: Body): TemplateTexts {
  const texts = {
    subject: oneIn(subject, 'subject') ?? '',
    text: oneIn(text, 'text') || null,
    html: oneIn(html, 'html') || null,
  };
  if (texts.text !== null || texts.html !== null) return texts;
  throw new Refusal(400, 'A template needs a "text" or an "html".');
}

function oneIn(given: unknown, what: string): string | null {
  if (given === undefined || given === null) return null;
  if (typeof given !== 'string') throw new Refusal(400, `"${what}" has to be text.`);
  if (given.length > MOST_TEMPLATE_TEXT)
    throw new Refusal(400, `"${what}" is longer than ${MOST_TEMPLATE_TEXT} characters.`);
  return askableText(given, what);
}
