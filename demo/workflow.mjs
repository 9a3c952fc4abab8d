// The demo's workflow: what a mail goes through when a step fails. The failure is made, and the workflow says so; the step
// that must not be done twice stands behind Run Once. Beside it, what the mail ledger knows.

const TRIGGER = 'Durable IMAP Trigger';
export const LEDGER_NODE = 'What Became of the Mails?';
export const MAILBOX_NODE = 'How Is the Mailbox?';

const MODEL = 'Stand-in for a Model';

/** What the stand-in makes of a mail. */
const SAYS =
  "={{ { category: /order/i.test($json.subject) ? 'order' : 'other', " +
  "priority: /urgent/i.test($json.subject) ? 'high' : 'normal', " +
  "summary: $json.text.slice(0, 200), data: { model: 'stand-in' } } }}";

/** How long a person has to see a mail that waits for its next try. */
const RETRY_AFTER = '30s, 1m, 5m';

/** @param {number} number */
const idOf = (number) => `5b1d3b5e-6c0e-4f0a-9a55-0c6f5a0d1e${String(number).padStart(2, '0')}`;

/**
 * @param {number} number
 * @param {string} name
 * @param {string} type
 * @param {number} typeVersion
 * @param {[number, number]} position
 * @param {object} parameters
 * @param {object} [more]
 */
const node = (number, name, type, typeVersion, position, parameters, more) => ({
  ...{ id: idOf(number), name, type, typeVersion, position, parameters },
  ...more,
});

/**
 * @param {number} number
 * @param {string} name
 * @param {[number, number]} position
 * @param {[number, number]} size
 * @param {number} color
 * @param {string[]} lines
 */
const note = (number, name, position, [width, height], color, lines) =>
  node(number, name, 'n8n-nodes-base.stickyNote', 1, position, {
    ...{ width, height, color, content: lines.join('\n') },
  });

/** @param {[name: string, value: string][]} values */
const assign = (values) => ({
  assignments: {
    assignments: values.map(([name, value], index) => ({
      id: String(index + 1),
      name,
      type: 'string',
      value,
    })),
  },
});

/** Not of `$json`: what leaves Run Once at Already done is what the step answered in the try before. */
const TRY = `$('${TRIGGER}').item.json.delivery.attempt`;
/** Only a run by a mail is refused: one by hand in the editor is to be looked at, to its end. */
const IS_FIRST_TRY = `={{ ${TRY} === 1 && $execution.mode === 'production' }}`;

const isFirstTry = {
  conditions: {
    options: { caseSensitive: true, leftValue: '', typeValidation: 'strict', version: 2 },
    conditions: [
      {
        id: '1',
        leftValue: IS_FIRST_TRY,
        rightValue: '',
        operator: { type: 'boolean', operation: 'true', singleValue: true },
      },
    ],
    combinator: 'and',
  },
  options: {},
};

/** @param {string[]} names */
const to = (...names) => names.map((name) => ({ node: name, type: 'main', index: 0 }));

/** @param {{ id: string, name: string }} credential */
export const demoWorkflow = (credential) => ({
  name: 'Durable mail demo',
  nodes: [
    node(
      ...[1, TRIGGER, 'n8n-nodes-durable-mail.durableImapTrigger', 1],
      [0, 0],
      { mailbox: 'INBOX', options: { retrySchedule: RETRY_AFTER } },
      { credentials: { imap: { id: credential.id, name: credential.name } } },
    ),
    node(4, 'Run Once', 'n8n-nodes-durable-mail.runOnce', 1, [240, 0], {}),
    node(5, 'Create the Order', 'n8n-nodes-base.set', 3.4, [480, -100], {
      ...assign([['order', '=Order of {{ $json.from }}: {{ $json.subject }}']]),
      includeOtherFields: true,
    }),
    node(6, 'First Try?', 'n8n-nodes-base.if', 2.2, [720, 0], isFirstTry),
    node(7, 'Refused', 'n8n-nodes-base.stopAndError', 1, [960, -100], {
      errorMessage: 'The demo refuses the first try of every mail. The next try is in 30 seconds.',
    }),
    node(
      ...[2, 'Confirm the Order', 'n8n-nodes-base.set', 3.4],
      [960, 100],
      assign([
        ['to', '={{ $json.from }}'],
        ['subject', '={{ $json.subject }}'],
        ['text', '={{ $json.textPlain.trim() }}'],
        ['try', `={{ ${TRY} }}`],
        ['idempotencyKey', '={{ $json.delivery.idempotencyKey }}'],
      ]),
    ),
    node(13, MODEL, 'n8n-nodes-base.set', 3.4, [1200, 100], {
      ...{ mode: 'raw', jsonOutput: SAYS, options: {} },
    }),
    node(14, 'Note What It Says', 'n8n-nodes-durable-mail.mailLedger', 1, [1440, 100], {
      ...{ operation: 'annotate', category: '={{ $json.category }}', priority: '={{ $json.priority }}' },
      ...{ summary: '={{ $json.summary }}', data: '={{ $json.data }}' },
    }),
    node(8, 'Look', 'n8n-nodes-base.manualTrigger', 1, [0, 320], {}),
    node(9, LEDGER_NODE, 'n8n-nodes-durable-mail.mailLedger', 1, [240, 220], {
      filters: { workflowId: '={{ $workflow.id }}' },
    }),
    node(10, MAILBOX_NODE, 'n8n-nodes-durable-mail.mailLedger', 1, [240, 420], {
      ...{ resource: 'source', operation: 'getAll' },
    }),
    // n8n's own checklist covers the upper left corner at the first visit.
    note(3, 'Note', [300, -440], [640, 240], 7, [
      '## A run fails, and nothing is lost or done twice',
      'This workflow is published. Send it a mail from a second terminal: `npm run demo:send -- "Hello"`',
      '1. **Executions** (top of this page): a run failed, at _Refused_.',
      `2. Back here, within 30 seconds: open _${LEDGER_NODE}_ and press **Execute step**. The mail is in **RETRY**.`,
      '3. **Executions**: the second run succeeded. _Run Once_ sent it past _Create the Order_, which was done.',
      `4. _${LEDGER_NODE}_ again: **DONE**, with attempt 2.`,
    ]),
    note(11, 'Note on the Failure', [960, -440], [320, 240], 3, [
      '### Made to fail, on purpose',
      'In place of a service that is down now and then, the demo refuses each mail at its first try. ' +
        '(Not when you test the workflow here by hand.)',
    ]),
    note(15, 'Note on the Model', [1320, -440], [320, 240], 6, [
      '### A model, behind the mail',
      `_${MODEL}_ says what the mail is, by the words of its subject. Put a real one in its place. What it says is kept ` +
        'with the mail: the **Mail Console** shows it.',
    ]),
    note(12, 'Note on the Ledger', [460, 260], [380, 160], 5, [
      '### What the mail ledger knows',
      `Open one of these and press **Execute step**. _${MAILBOX_NODE}_ is for \`npm run demo:break\`: ` +
        'it stops the mail server for a minute.',
    ]),
  ],
  connections: {
    [TRIGGER]: { main: [to('Run Once')] },
    'Run Once': { main: [to('Create the Order'), to('First Try?')] },
    'Create the Order': { main: [to('First Try?')] },
    'First Try?': { main: [to('Refused'), to('Confirm the Order')] },
    'Confirm the Order': { main: [to(MODEL)] },
    [MODEL]: { main: [to('Note What It Says')] },
    Look: { main: [to(LEDGER_NODE, MAILBOX_NODE)] },
  },
});
