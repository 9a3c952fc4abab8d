// Templates of mails: `{{name}}` in subject, text and HTML, and nothing else. No loops, no conditions, no paths: what a workflow can
// compute, it computes.
// Invariants: a value is text, never markup (HTML) and never a template again; it is the object's own, never its prototype's; who
// renders without a value is told of all that are missing, and gets no mail; a placeholder with a brace too many or too few is never
// sent as it stands; a subject is one line.
import type { TemplateTexts } from '../../ledger/templates';
import { subjectLine } from './mail-content';

/** By name. A text, a number, or true or false; null, undefined, or not there: missing. */
export type TemplateValues = Readonly<Record<string, unknown>>;

/** It cannot be rendered, in words for people. */
export class TemplateFault extends Error {
  constructor(
    message: string,
    /** In the order of the template. */
    readonly missing: readonly string[] = [],
  ) {
    super(message);
    this.name = 'TemplateFault';
  }
}

/** Between the braces may be spaces; a name has none, and no brace. */
const PLACEHOLDER = /\{\{([^{}]*)\}\}/g;
/**
 * What is meant for a placeholder: one, with the braces that touch it, or what begins as one. A run of braces is read once, whatever
 * comes behind it. `}}` alone is none: it ends rules in a style sheet.
 */
const MEANT = /\}?\{*\{\{[^{}]*\}\}\}*(?:\{(?!\{))?|\{{2,}[^{}\r\n]{0,40}\}?/g;
const NAMED = /^\{\{\s*([\p{L}\p{N}_][\p{L}\p{N}_.-]*)\s*\}\}$/u;
const MOST_NAMED = 50;
const MOST_SHOWN = 100;

const TEXTS = ['subject', 'text', 'html'] as const;

/** @throws TemplateFault: names each value that is missing, or is no text */
export function render(template: TemplateTexts, values: TemplateValues): TemplateTexts {
  const names = placeholdersOf(template);
  const missing = names.filter((name) => valueOf(values, name) === null);
  if (missing.length > 0)
    throw new TemplateFault(
      `The template has no value for ${listed(missing.map((name) => `{{${name}}}`))}. Nothing was sent: add ${missing.length === 1 ? 'it' : 'them'} to the values.`,
      missing,
    );
  const asText = (name: string): string => textOf(name, valueOf(values, name));
  const filled = (text: string, as: (name: string) => string): string =>
    text.replace(PLACEHOLDER, (_, name: string) => as(name.trim()));
  const { subject, text, html } = template;
  return {
    subject: subjectLine(filled(subject, asText)),
    text: text === null ? null : filled(text, asText),
    html: html === null ? null : filled(html, (name) => escapeHtml(asText(name))),
  };
}

/**
 * The names in a template, each once, in its order.
 * @throws TemplateFault: something in double braces is no name, or has not two braces on either side
 */
export function placeholdersOf(template: TemplateTexts): readonly string[] {
  const meant = TEXTS.flatMap((text) => template[text]?.match(MEANT) ?? []);
  const wrong = [...new Set(meant.filter((one) => !NAMED.test(one)).map(trimmed))];
  if (wrong.length === 0) return [...new Set(meant.map((one) => NAMED.exec(one)![1]!))];
  const touched = wrong.some((one) => /[{}]\{\{[^{}]*\}\}|\{\{[^{}]*\}\}[{}]/.test(one));
  throw new TemplateFault(
    `The template holds ${listed(wrong)}, which ${wrong.length === 1 ? 'is no name' : 'are no names'}. A placeholder is a name in ` +
      'double braces, such as {{customer_name}}: letters, digits, "_", "." and "-". Nothing else is filled in.' +
      (touched ? ' Between it and another brace, as in a style sheet, there has to be a space.' : ''),
  );
}

/** As it is shown. */
const trimmed = (meant: string): string => meant.replace(/[^{}]+/, (inside) => inside.trim());

/** @returns null: it is missing */
function valueOf(values: TemplateValues, name: string): unknown {
  return Object.hasOwn(values, name) ? (values[name] ?? null) : null;
}

function textOf(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value);
  throw new TemplateFault(
    `The value of {{${name}}} is ${Array.isArray(value) ? 'a list' : 'an object'}, and no text. Nothing was sent: give the text that is to stand there.`,
  );
}

function listed(places: readonly string[]): string {
  const shown = places.slice(0, MOST_NAMED).map(shortened);
  const more = places.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

const shortened = (place: string): string =>
  place.length <= MOST_SHOWN ? place : `${place.slice(0, MOST_SHOWN)}…`;

const ESCAPED: Readonly<Record<string, string>> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' },
};

/** For the text of an element, and for an attribute in quotes. */
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ESCAPED[character]!);
