// What a template may be, the same in every ledger.
import { askableText } from '../askable';
import { LedgerFault } from '../fault';
import { MOST_TEMPLATE_NAME, MOST_TEMPLATE_TEXT, type TemplateTexts } from '../templates';

/** @returns it as it is stored @throws LedgerFault `asked` */
export function newTemplate(
  name: string,
  { subject, text, html }: TemplateTexts,
): TemplateTexts & { name: string } {
  if (name.trim() === '') throw refused('A template needs a name.');
  if (name.length > MOST_TEMPLATE_NAME)
    throw refused(
      `The name of a template has ${MOST_TEMPLATE_NAME} characters at most; this one has ${name.length}.`,
    );
  if (text === null && html === null) throw refused(`The template "${name}" has neither text nor HTML.`);
  for (const [what, given] of Object.entries({ subject, text, HTML: html }))
    if (given !== null && given.length > MOST_TEMPLATE_TEXT)
      throw refused(
        `The ${what} of the template "${name}" has ${given.length} characters; ${MOST_TEMPLATE_TEXT} are the most.`,
      );
  return {
    name: askableText(name, 'name'),
    subject: askableText(subject, 'subject'),
    text: text === null ? null : askableText(text, 'text'),
    html: html === null ? null : askableText(html, 'html'),
  };
}

const refused = (why: string): LedgerFault => new LedgerFault('asked', why);
