// Durable Send beside n8n's own Send Email (its operation Send): every field of that one is here by the same name, with the same
// choices and the same default, and makes the same mail. Against the n8n that the tests install: what a newer one adds is noticed.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type {
  IBinaryData,
  IExecuteFunctions,
  INodeExecutionData,
  INodeProperties,
  INodeType,
  INodeTypeDescription,
  VersionedNodeType,
} from 'n8n-workflow';
import { buildMail } from '../../engine/outbox/mail/mail-content';
import { draftOf } from '../../nodes/DurableSend/draft';
import type { DurableSend } from '../../nodes/DurableSend/DurableSend.node';
import { N8nCore } from '../support/n8n-core';
import { FaultySmtp, type Taken } from '../support/smtp';

/** Said so in docs/durable-send.md. */
const OTHER_DEFAULTS = new Set(['options.appendAttribution']);

interface Field {
  readonly type: string;
  readonly default: unknown;
  readonly required: boolean;
  readonly choices: readonly unknown[];
}

/** What a field is in a node of that version, as its operation Send shows it. */
function fieldsOf(properties: readonly INodeProperties[], version: number, path = ''): Map<string, Field> {
  const shown = properties.filter(({ displayOptions: { show = {}, hide = {} } = {} }) => {
    const fits = (name: string, value: unknown): boolean => (show[name] ?? [value]).includes(value);
    const isHidden = (hide['@version'] ?? []).includes(version);
    return fits('resource', 'email') && fits('operation', 'send') && fits('@version', version) && !isHidden;
  });
  return new Map(
    shown.flatMap((property): [string, Field][] => {
      const { name, type, default: by, required = false, options = [] } = property;
      const isCollection = type === 'collection';
      const choices = type === 'options' ? options.map((choice) => (choice as { value: unknown }).value) : [];
      const inside = isCollection ? fieldsOf(options as INodeProperties[], version, `${name}.`) : [];
      return [[path + name, { type, default: by, required, choices }], ...inside];
    }),
  );
}

// As n8n loads it.
const built = join(__dirname, '..', '..', 'dist', 'nodes', 'DurableSend', 'DurableSend.node.js');

const fileOf = (fileName: string, mimeType: string): IBinaryData => ({
  ...{ data: Buffer.from(`of ${fileName}`).toString('base64'), mimeType, fileName },
});
const LOGO = fileOf('logo.png', 'image/png');
// As many servers send it.
const BILL = fileOf('bill.pdf', 'application/octet-stream');
const ITEM: INodeExecutionData = { json: {}, binary: { logo: LOGO, bill: BILL } };

/** What both nodes take of n8n. */
const contextOf = (parameters: Record<string, unknown>, port: number, item = ITEM): IExecuteFunctions => {
  const field = (name: string | IBinaryData): IBinaryData => {
    const found = typeof name === 'string' ? item.binary?.[name] : name;
    if (!found) throw new Error(`There is no "${name as string}"`);
    return found;
  };
  return {
    ...{ getInputData: () => [item], getInstanceId: () => 'instance', continueOnFail: () => false },
    getNode: () => ({ name: 'Send', type: 'emailSend', typeVersion: 2.1, parameters }),
    getNodeParameter: (name: string, _: number, fallback?: unknown) => parameters[name] ?? fallback,
    getCredentials: async () => ({ host: '127.0.0.1', port, secure: false, disableStartTls: true }),
    helpers: {
      assertBinaryData: (_: number, name: string | IBinaryData) => field(name),
      getBinaryDataBuffer: async (_: number, name: string | IBinaryData) =>
        Buffer.from(field(name).data, 'base64'),
    },
  } as unknown as IExecuteFunctions;
};

/** But for what is each mail's own; what separates its parts is counted. */
function shown(raw: Buffer): string[] {
  const names = new Map<string, string>();
  return raw
    .toString()
    .replace(/^(Message-ID|Date): .*\r\n/gm, '')
    .replace(/--_NmP-\w+/g, (name) => {
      if (!names.has(name)) names.set(name, `--part-${names.size}`);
      return names.get(name)!;
    })
    .split('\r\n');
}

describe('beside Send Email', () => {
  let folder: string;
  let builtIn: Readonly<Record<number, INodeType>>;
  let ours: INodeTypeDescription;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durable-mail-like-'));
    process.env['N8N_USER_FOLDER'] = folder;
    const node = new N8nCore().nodeOfN8n('EmailSend/EmailSend.node') as unknown as VersionedNodeType;
    builtIn = node.nodeVersions;
    const { DurableSend: Ours } = (await import(built)) as { DurableSend: new () => DurableSend };
    ours = new Ours().description;
  });
  after(() => rm(folder, { recursive: true }));

  it('stands every version of it but the first, which is another node', () => {
    const versions = Object.keys(builtIn).map(Number);
    assert.deepEqual([1, ...[ours.version].flat()], versions.sort());
  });

  it('has each of its fields, by the same name, with the same choices and default', () => {
    for (const version of [ours.version].flat()) {
      const own = fieldsOf(ours.properties, version);
      const theirs = fieldsOf(builtIn[version]!.description.properties, version);
      assert.ok(theirs.size > 10, 'they were found');
      for (const [name, field] of theirs) {
        // Ours is hidden: it has this one operation, and says so where a workflow asks for another one.
        if (name === 'operation' || name === 'resource') continue;
        const expected = OTHER_DEFAULTS.has(name) ? { ...field, default: own.get(name)?.default } : field;
        assert.deepEqual(own.get(name), expected, `${name} of version ${version}`);
      }
    }
  });

  const MAILS: readonly (readonly [string, Record<string, unknown>])[] = [
    ['as text', { emailFormat: 'text', text: 'Grüße\n.\n' }],
    ['as HTML', { emailFormat: 'html', html: '<p>Grüße</p>', text: 'left out' }],
    [
      'as both, to several',
      { emailFormat: 'both', text: 'Hi', html: '<p>Hi</p>', toEmail: 'Ä <a@x.de>, b@x.de' },
    ],
    ['of what expressions give', { emailFormat: 'text', text: { a: [1] }, subject: 17 }],
    [
      'with all of its options',
      { options: { ccEmail: 'c@x.de', bccEmail: 'd@x.de', replyTo: 'Help <e@x.de>' } },
    ],
    ['with the attribution', { options: { appendAttribution: true } }],
    [
      'with the attribution behind its text, where its HTML is empty',
      { emailFormat: 'both', html: '', options: { appendAttribution: true } },
    ],
    ['with files by their names', { options: { attachments: 'logo', fileAttachments: ' bill , logo' } }],
    ['with files by a list', { options: { fileAttachments: ['bill', 'logo'] } }],
    ['with a file that an expression gives', { options: { fileAttachments: LOGO } }],
  ];
  for (const [how, more] of MAILS)
    it(`makes the same mail, ${how}`, async () => {
      const smtp = await FaultySmtp.start();
      try {
        const parameters = {
          ...{ fromEmail: 'Shop <shop@x.de>', toEmail: 'ann@x.de', subject: 'Grüße', emailFormat: 'text' },
          ...{ text: 'Hi', operation: 'send', resource: 'email', ...more },
          options: { appendAttribution: false, ...(more['options'] as object | undefined) },
        };
        const context = contextOf(parameters, smtp.port);
        await builtIn[2.1]!.execute!.call(context);
        const draft = await draftOf(context, 0, null, {} as never);
        const { raw, envelope } = await buildMail({ ...draft, messageId: '<1@x.de>' });
        const [theirs] = smtp.accepted as [Taken];
        assert.deepEqual(envelope.to, theirs.to);
        assert.deepEqual(shown(Buffer.from(raw)), shown(theirs.raw));
      } finally {
        await smtp.stop();
      }
    });

  it('fails as it does, where a file is not there', async () => {
    const node = { operation: 'send', resource: 'email', fromEmail: 'a@x.de' };
    const context = contextOf({ ...node, options: { attachments: 'no' } }, 1);
    await assert.rejects(draftOf(context, 0, null, {} as never), /There is no "no"/);
    await assert.rejects(builtIn[2.1]!.execute!.call(context), /There is no "no"/);
  });

  it('takes its credential, has its inputs and outputs, and is a tool where it is one', () => {
    const { description } = builtIn[2.1]!;
    const sides = ({ inputs, outputs, usableAsTool, group }: INodeTypeDescription): unknown => [
      ...[inputs, outputs, usableAsTool, group],
    ];
    assert.deepEqual(sides(ours), sides(description));
    for (const { name } of description.credentials ?? [])
      assert.ok(
        ours.credentials?.some((one) => one.name === name),
        name,
      );
  });
});
