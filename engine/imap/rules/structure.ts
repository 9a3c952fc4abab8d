// What a mail is made of, as the server tells it (BODYSTRUCTURE, RFC 3501 7.4.2), without reading the mail.
// Invariant: a structure that says little is no attachment; it is never an error.

/** The part of imapflow's MessageStructureObject that is read here. */
export interface MailStructure {
  /** Content-Type, lower case. */
  readonly type: string;
  readonly parameters?: Readonly<Record<string, string>> | undefined;
  /** Content-ID. */
  readonly id?: string | undefined;
  readonly disposition?: string | undefined;
  readonly dispositionParameters?: Readonly<Record<string, string>> | undefined;
  readonly childNodes?: readonly MailStructure[] | undefined;
}

const ATTACHED_MAIL = new Set(['message/rfc822', 'message/global']);
// RFC 1847 and 8551: what proves a mail is no part of what it says.
const SIGNATURE = /^application\/(pgp-signature|(x-)?pkcs7-signature)$/;

/**
 * Whether a person would say that files are attached. A picture that stands in the text (multipart/related, by its
 * Content-ID) is none, nor is a signature; a mail attached to the mail is one.
 */
export function hasAttachment(structure: MailStructure | undefined): boolean {
  return structure !== undefined && holdsAttachment(structure, '');
}

function holdsAttachment(part: MailStructure, within: string): boolean {
  if (within === 'multipart/signed' && SIGNATURE.test(part.type)) return false;
  if (part.type.startsWith('multipart/'))
    return (part.childNodes ?? []).some((child) => holdsAttachment(child, part.type));
  if (part.disposition === 'attachment' || ATTACHED_MAIL.has(part.type)) return true;
  const named = Boolean(part.dispositionParameters?.['filename']);
  // Text without a file's name is the mail's own; so are a report's parts (RFC 3464) and its like.
  if (/^(text|message)\//.test(part.type)) return named;
  if (part.id && within === 'multipart/related') return false;
  return named || Boolean(part.parameters?.['name']) || !(part.id && part.disposition === 'inline');
}
