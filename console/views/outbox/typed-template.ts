// A template as it stands in the fields of the page.
import type { TemplateRequest } from '../../../engine/console/outbox-api';

export type Typed = Readonly<Record<'name' | 'subject' | 'text' | 'html', string>>;

export const EMPTY: Typed = { name: '', subject: '', text: '', html: '' };

export const asRequest = ({ name, subject, text, html }: Typed): TemplateRequest => ({
  ...{ name: name.trim(), subject },
  text: text || null,
  html: html || null,
});
