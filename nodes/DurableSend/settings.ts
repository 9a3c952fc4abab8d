// The node's parameters for one item, read once into typed settings.
// Invariant: a setting that can never work throws an Error that names it, before anything is queued.
import type { IBinaryData, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { DEFAULT_MAIL_SCHEDULE, type MailRequest, THREE_TRIES } from '../../engine/outbox/mail/mail-request';
import { DAY_MS, readNumber, SECOND_MS } from '../host/trigger/numbers';
import { MOST_DELAY_DAYS, MOST_TRIES, SEND_NUMBERS as NUMBERS } from './numbers';

/** Of the collection "Options", as they come: expressions may give anything. */
export type Options = Readonly<Record<string, unknown>>;

export interface SendSettings extends Pick<
  MailRequest,
  'schedule' | 'inDoubt' | 'limits' | 'allowUnauthorizedCerts'
> {
  readonly keepMs: number;
  readonly waitMs: number;
}

export const optionsOf = (context: IExecuteFunctions, itemIndex: number): Options =>
  context.getNodeParameter('options', itemIndex, {});

/** What this node has taken over from the built-in one has to be something that it does. @throws Error */
export function refuseOtherOperations(context: IExecuteFunctions): void {
  const operation: unknown = context.getNodeParameter('operation', 0, 'send');
  if (operation === 'send') return;
  throw new Error(
    'This step was "Send and Wait for Response" of the Send Email node, which Durable Send does not do. Keep the Send Email node for it.',
  );
}

/** @throws Error that names the option */
export function sendSettings(options: Options): SendSettings {
  const mostAMinute = readNumber(options['mostAMinute'], NUMBERS.mostAMinute);
  return {
    schedule: scheduleOf(options),
    inDoubt: inDoubtOf(options['inDoubt']),
    limits: {
      mostAtOnce: readNumber(options['mostAtOnce'], NUMBERS.mostAtOnce),
      mostAMinute: mostAMinute === 0 ? null : mostAMinute,
    },
    allowUnauthorizedCerts: options['allowUnauthorizedCerts'] === true,
    keepMs: readNumber(options['keepDays'], NUMBERS.keepDays) * DAY_MS,
    waitMs: readNumber(options['waitSeconds'], NUMBERS.waitSeconds) * SECOND_MS,
  };
}

const inDoubtOf = (value: unknown): MailRequest['inDoubt'] =>
  value === 'again' || value === 'againIfNotThere' ? value : 'aside';

function scheduleOf(options: Options): MailRequest['schedule'] {
  switch (options['tries'] ?? 'usual') {
    case 'usual':
      return DEFAULT_MAIL_SCHEDULE;
    case 'three':
      return THREE_TRIES;
    case 'own':
      return {
        connection: delays(
          'Tries: If Not Reached',
          options['connectionDelays'],
          DEFAULT_MAIL_SCHEDULE.connection,
        ),
        refused: delays('Tries: If Refused for Now', options['refusedDelays'], DEFAULT_MAIL_SCHEDULE.refused),
      };
    default:
      throw new Error('"Tries" must be one of the choices that the node has.');
  }
}

/** @param value seconds, separated by commas; undefined: nobody has added the option */
function delays(shown: string, value: unknown, otherwise: readonly number[]): readonly number[] {
  if (value === undefined) return otherwise;
  const parts = mailText(value)
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const seconds = parts.map(Number);
  const fits = seconds.every((delay) => delay >= 0 && delay * SECOND_MS <= MOST_DELAY_DAYS * DAY_MS);
  if (fits && seconds.length <= MOST_TRIES) return seconds.map((delay) => Math.round(delay * SECOND_MS));
  throw new Error(
    `"${shown}" must be up to ${MOST_TRIES} numbers of seconds, separated by commas, such as 60, 300, 900: each at most ` +
      `${MOST_DELAY_DAYS} days.`,
  );
}

/** As the built-in node takes what an expression gives. */
export function mailText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value);
  return JSON.stringify(value);
}

/** Names of binary properties: a list, or separated by commas; or what an expression takes from them. */
export function binaryFields(value: unknown): readonly (string | IBinaryData)[] {
  const found: unknown[] = Array.isArray(value)
    ? value
    : isObject(value)
      ? [value]
      : mailText(value).split(',');
  return found
    .map((one) => (isObject(one) ? (one as unknown as IBinaryData) : mailText(one).trim()))
    .filter((one) => one !== '');
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** The values of a template: an object, or JSON. @throws Error */
export function templateValues(value: unknown): Readonly<Record<string, unknown>> {
  const parsed = typeof value === 'string' ? parsedJson(value) : value;
  if (parsed === undefined) throw new Error('"Values" is no JSON. It looks like { "name": "Ann" }.');
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
    return parsed as INodeExecutionData['json'];
  throw new Error(
    '"Values" must be an object, such as { "name": "Ann" }: what stands for each {{name}} in the template.',
  );
}

/** @returns undefined: it is none */
function parsedJson(text: string): unknown {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
