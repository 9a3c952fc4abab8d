// The part of the ledger's port that keeps templates of mails that are sent: subject, text and HTML with `{{name}}` in them.
// Invariant: a template that changes is told as a row of `change` (`template.changed`), in the same transaction.

export interface TemplateTexts {
  readonly subject: string;
  /** Null: none. One of text and HTML is there. */
  readonly text: string | null;
  readonly html: string | null;
}

export interface Template extends TemplateTexts {
  readonly name: string;
  /** ms since 1970, the database's clock. */
  readonly changedAt: number;
  readonly changedBy: string;
}

export interface Templates {
  /** In the order of their names. */
  templates(): Promise<readonly Template[]>;
  template(name: string): Promise<Template | null>;
  /** New, or in the place of the one of that name. */
  saveTemplate(name: string, texts: TemplateTexts, by: string): Promise<Template>;
  /** @returns whether it was there */
  removeTemplate(name: string, by: string): Promise<boolean>;
}

/** Of a name, and of each text, in characters. */
export const MOST_TEMPLATE_NAME = 200;
export const MOST_TEMPLATE_TEXT = 500_000;
