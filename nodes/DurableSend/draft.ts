// The email of one item, as a person has filled it in, or as its template says; and what it answers.
// Invariant: whatever cannot be sent as it stands is an Error that says so, before anything is queued.
import type { IBinaryData, IExecuteFunctions } from 'n8n-workflow';
import type { Templates } from '../../engine/ledger/templates';
import { fileNameLine, type MailAttachment, type MailDraft } from '../../engine/outbox/mail/mail-content';
import { mailboxesOf } from '../../engine/outbox/mail/nodemailer';
import { render } from '../../engine/outbox/mail/render';
import {
  type AnsweredLedger,
  type AnsweredMail,
  answeredMail,
  answerSubject,
} from '../host/outgoing/answered-mail';
import { addressText, idsText } from './list-fields';
import { mailText, optionsOf, type Options, binaryFields, templateValues } from './settings';

type Texts = Pick<MailDraft, 'subject' | 'text' | 'html'>;

export type DraftLedger = AnsweredLedger & Pick<Templates, 'template'>;

/** @param event of the mail that the item comes from; null: from none @throws Error, or DraftFault or TemplateFault */
export async function draftOf(
  context: IExecuteFunctions,
  itemIndex: number,
  event: string | null,
  ledger: DraftLedger,
): Promise<MailDraft> {
  const options = optionsOf(context, itemIndex);
  const parameter = (name: string): unknown => context.getNodeParameter(name, itemIndex, '');
  const addressed = {
    from: await addressText('From', parameter('fromEmail')),
    to: await addressText('To', parameter('toEmail')),
    cc: await addressText('CC', options['ccEmail']),
    bcc: await addressText('BCC', options['bccEmail']),
    replyTo: await addressText('Reply To', options['replyTo']),
  };
  if (addressed.from.trim() === '') throw new Error('"From Email" is empty: nothing was sent.');
  const thread = mailText(options['thread'] ?? 'sender');
  const mail = event === null || thread === 'never' ? null : await answeredMail(ledger, event);
  const answered = mail && (thread === 'always' || (await goesToSender(addressed, mail))) ? mail : null;
  const texts =
    context.getNodeParameter('contentFrom', itemIndex, 'fields') === 'template'
      ? await templateTexts(context, itemIndex, ledger)
      : enteredTexts(context, itemIndex);
  const attachments = await attachmentsOf(context, itemIndex, options);
  return {
    ...addressed,
    ...attributed(texts, options),
    subject: texts.subject.trim() === '' && answered ? answerSubject(answered.subject) : texts.subject,
    ...threading(options, answered),
    ...(attachments.length > 0 && { attachments }),
    headers: headersOf(options),
  };
}

function enteredTexts(context: IExecuteFunctions, itemIndex: number): Texts {
  const format = context.getNodeParameter('emailFormat', itemIndex) as string;
  const parameter = (name: string): string => mailText(context.getNodeParameter(name, itemIndex, ''));
  return {
    subject: parameter('subject'),
    ...(format !== 'html' && { text: parameter('text') }),
    ...(format !== 'text' && { html: parameter('html') }),
  };
}

async function templateTexts(
  context: IExecuteFunctions,
  itemIndex: number,
  ledger: Pick<Templates, 'template'>,
): Promise<Texts> {
  const name = mailText(context.getNodeParameter('template', itemIndex, '')).trim();
  if (name === '') throw new Error('No template is chosen under "Template Name".');
  const template = await ledger.template(name);
  if (!template)
    throw new Error(
      `There is no template "${name}" in the mail ledger. Make it in the Mail Console, or with the Mail Ledger node.`,
    );
  const values = templateValues(context.getNodeParameter('templateValues', itemIndex, {}));
  const { subject, text, html } = render(template, values);
  return { subject, ...(text !== null && { text }), ...(html !== null && { html }) };
}

/** As the built-in node does it: behind the HTML, where there is one. Beside a text, a blank one is none: it would hide the text. */
function attributed({ text, html: given }: Texts, options: Options): Omit<Texts, 'subject'> {
  const html = text !== undefined && given?.trim() === '' ? undefined : given;
  const texts = { ...(text !== undefined && { text }), ...(html !== undefined && { html }) };
  if (options['appendAttribution'] !== true) return texts;
  const phrase = 'This email was sent automatically with ';
  if (html === undefined) return { text: `${text ?? ''}\n\n---\n${phrase}n8n\nhttps://n8n.io` };
  const link = `<em>${phrase}<a href="https://n8n.io" target="_blank">n8n</a></em>`;
  return { ...texts, html: `${html}\n<br>\n<br>\n---\n<br>\n${link}\n` };
}

async function attachmentsOf(
  context: IExecuteFunctions,
  itemIndex: number,
  options: Options,
): Promise<readonly MailAttachment[]> {
  const read = async (field: string | IBinaryData, isInline: boolean): Promise<MailAttachment> => {
    const { fileName, mimeType } = context.helpers.assertBinaryData(itemIndex, field);
    const filename = fileNameLine(fileName);
    return {
      filename,
      // What says nothing is left to its name, as in the built-in node.
      contentType: mimeType && mimeType !== 'application/octet-stream' ? mimeType : null,
      content: await context.helpers.getBinaryDataBuffer(itemIndex, field),
      ...(isInline && { cid: typeof field === 'string' ? field : filename }),
    };
  };
  const found: MailAttachment[] = [];
  // As the built-in node: an item without any files is sent without.
  if (!context.getInputData()[itemIndex]?.binary) return found;
  for (const field of binaryFields(options['attachments'])) found.push(await read(field, true));
  for (const field of binaryFields(options['fileAttachments'])) found.push(await read(field, false));
  return found;
}

/** What a person entered goes before what the mail says. */
function threading(
  options: Options,
  answered: AnsweredMail | null,
): Pick<MailDraft, 'inReplyTo' | 'references'> {
  const entered = idsText('In-Reply-To', options['inReplyTo']).trim();
  const inReplyTo = entered || answered?.messageId;
  const ids = idsText('References', options['references'])
    .split(/[\s,]+/)
    .filter((id) => id !== '');
  const ofMail = entered === '' ? (answered?.references ?? []) : [entered];
  const references = ids.length > 0 ? ids : ofMail;
  return { ...(inReplyTo && { inReplyTo }), ...(references.length > 0 && { references }) };
}

function headersOf(options: Options): NonNullable<MailDraft['headers']> {
  const { header } = (options['headers'] ?? {}) as { header?: { name?: unknown; value?: unknown }[] };
  return (header ?? []).map(({ name, value }) => [mailText(name).trim(), mailText(value)] as const);
}

/** Whoever wrote it, or asks for answers elsewhere, is among those who get this one. */
async function goesToSender(
  { to, cc, bcc }: Pick<MailDraft, 'to' | 'cc' | 'bcc'>,
  { from, replyTo }: AnsweredMail,
): Promise<boolean> {
  const [recipients, senders] = await Promise.all([addresses(to, cc, bcc), addresses(from, replyTo)]);
  return [...senders].some((address) => recipients.has(address));
}

async function addresses(...fields: (string | undefined)[]): Promise<ReadonlySet<string>> {
  const found = await Promise.all(fields.map((field) => mailboxesOf(field ?? '')));
  return new Set(found.flat().flatMap(({ address }) => (address ? address.toLowerCase() : [])));
}
