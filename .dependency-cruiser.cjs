// Who may import whom (docs/architecture.md). A rule's comment is what its breach prints.

/** @param {string} library @param {string} file */
const onlyIn = (library, file) => ({
  name: `${library}-in-one-file`,
  comment: `${library} is imported in ${file} only: one place to change when it changes.`,
  severity: 'error',
  from: { pathNot: file },
  to: { path: `^(node:|node_modules/)?${library}(/|$)`, dependencyTypesNot: ['type-only'] },
});

const LIBRARIES = [
  'imapflow',
  'ioredis',
  'libmime',
  'mailparser',
  'nodemailer',
  'pg',
  'sqlite',
  'ws',
  'yaml',
  'zod',
];

/** @param {string} part @param {string[]} mayUse */
const engineOrder = (part, mayUse) => ({
  name: `engine-${part}`,
  comment: `engine/${part} may use only: ${mayUse.join(', ') || 'nothing else of the engine'}.`,
  severity: 'error',
  from: { path: `^engine/${part}/` },
  to: { path: '^engine/', pathNot: `^engine/(${[part, ...mayUse].join('|')})/` },
});

/**
 * The rooms of a folder, from the top floor down: each may use those below it.
 * @param {string} house @param {string[]} rooms
 */
const floors = (house, rooms) => [
  ...rooms.map((room, floor) => {
    const below = rooms.slice(floor + 1);
    return {
      name: `${house.replace('/', '-')}-${room}`,
      comment: `${house}/${room} may use only: ${below.join(', ') || 'nothing else'} of ${house}.`,
      severity: 'error',
      from: { path: `^${house}/${room}/` },
      to: { path: `^${house}/[^/]+/`, pathNot: `^${house}/(${[room, ...below].join('|')})/` },
    };
  }),
  {
    name: `${house.replace('/', '-')}-rooms`,
    comment: `A new room of ${house} needs its floor among the others (.dependency-cruiser.cjs).`,
    severity: 'error',
    from: {},
    to: { path: `^${house}/[^/]+/`, pathNot: `^${house}/(${rooms.join('|')})/` },
  },
];

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Modules that need each other are one module.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'engine-knows-no-n8n',
      comment: 'The engine is the product; n8n is one place where it runs. What ties them is in nodes/host.',
      severity: 'error',
      from: { path: '^engine/' },
      to: { path: '^(nodes|credentials|cli)/|node_modules/n8n-' },
    },
    {
      name: 'command-knows-no-n8n',
      comment: 'The command durable-mail is the engine as a process of its own: it runs where no n8n is.',
      severity: 'error',
      from: { path: '^cli/' },
      to: { path: '^(nodes|credentials|console)/|node_modules/n8n-' },
    },
    {
      name: 'nobody-knows-the-command',
      comment: 'The command composes the engine: nothing that n8n loads needs it.',
      severity: 'error',
      from: { path: '^(nodes|credentials|engine|console|index[.]ts)' },
      to: { path: '^cli/' },
    },
    {
      name: 'nodes-are-islands',
      comment: 'What two nodes share belongs into nodes/host.',
      severity: 'error',
      from: { path: '^nodes/(?!host/)([^/]+)/' },
      to: { path: '^nodes/(?!host/)([^/]+)/', pathNot: '^nodes/$1/' },
    },
    {
      name: 'host-knows-no-node',
      comment: 'nodes/host serves all nodes and knows none.',
      severity: 'error',
      from: { path: '^nodes/host/' },
      to: { path: '^nodes/(?!host/)' },
    },
    ...floors('nodes/host', ['listen', 'run', 'console', 'store', 'outgoing', 'trigger', 'items', 'n8n']),
    engineOrder('runtime', []),
    engineOrder('mail', ['runtime']),
    engineOrder('ledger', ['mail', 'runtime']),
    engineOrder('signal', ['runtime']),
    engineOrder('http', ['runtime']),
    // What kinds of sources share knows none of them.
    engineOrder('source', ['ledger', 'signal', 'runtime']),
    engineOrder('polled', ['http', 'source', 'ledger', 'signal', 'runtime']),
    // The collectors and delivery meet only at the ledger.
    engineOrder('imap', ['source', 'ledger', 'mail', 'signal', 'runtime']),
    engineOrder('gmail', ['polled', 'http', 'source', 'ledger', 'mail', 'signal', 'runtime']),
    engineOrder('delivery', ['ledger', 'signal', 'runtime']),
    engineOrder('console', ['work', 'feed', 'ledger', 'signal', 'source', 'runtime']),
    engineOrder('feed', ['ledger', 'signal', 'runtime']),
    engineOrder('redis', ['feed', 'ledger', 'signal', 'runtime']),
    engineOrder('work', ['redis', 'delivery', 'ledger', 'signal', 'runtime']),
    engineOrder('outbox', ['feed', 'http', 'ledger', 'mail', 'signal', 'runtime']),
    engineOrder('instance', [
      'console',
      'work',
      'redis',
      'outbox',
      'feed',
      'imap',
      'gmail',
      'polled',
      'http',
      'delivery',
      'source',
      'ledger',
      'signal',
      'runtime',
    ]),
    {
      name: 'page-knows-the-console',
      comment:
        "The console's page runs in a browser: of the engine it knows the types of the console and its feed.",
      severity: 'error',
      from: { path: '^console/' },
      to: {
        path: '^(engine|nodes|credentials)/',
        pathNot: '^engine/(console/(outbox-)?api|feed/feed-event)[.]ts$',
      },
    },
    {
      name: 'page-takes-types-only',
      comment: "The console's page takes types of the engine, no code.",
      severity: 'error',
      from: { path: '^console/' },
      to: { path: '^(engine|nodes|credentials)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'nobody-knows-the-page',
      comment: "The console's page is one document, read as a file.",
      severity: 'error',
      from: { pathNot: '^console/' },
      to: { path: '^console/' },
    },
    ...floors('console', ['views', 'parts', 'live', 'api', 'words']),
    {
      name: 'adapters-opened-in-one-room',
      comment:
        'Only engine/instance opens an adapter of the ledger, so that a process has one engine a ledger. Others may know ' +
        'how a database is named (postgres/settings.ts).',
      severity: 'error',
      from: { pathNot: '^engine/(instance|ledger)/' },
      to: {
        path: '^engine/ledger/(sqlite|postgres|common)/',
        pathNot: '^engine/ledger/postgres/settings[.]ts$',
      },
    },
    {
      name: 'adapters-apart',
      comment:
        'Neither adapter of the ledger knows the other; what both need stands in engine/ledger/common.',
      severity: 'error',
      from: { path: '^engine/ledger/(sqlite|postgres)/' },
      to: { path: '^engine/ledger/(sqlite|postgres)/', pathNot: '^engine/ledger/$1/' },
    },
    {
      name: 'ports-know-no-adapter',
      comment:
        'The ledger is a port: what stands above its adapters does not know them, nor what they share.',
      severity: 'error',
      from: { path: '^engine/ledger/[^/]+[.]ts$' },
      to: { path: '^engine/ledger/(sqlite|postgres|common)/' },
    },
    {
      name: 'adapters-share-what-knows-none',
      comment:
        'engine/ledger/common is what all adapters of the ledger need: it knows the port, and no adapter.',
      severity: 'error',
      from: { path: '^engine/ledger/common/' },
      to: { path: '^engine/ledger/(?!common/)[^/]+/' },
    },
    ...floors('engine/imap', ['watch', 'audit', 'act', 'find', 'read', 'session', 'rules']),
    ...floors('engine/gmail', ['watch', 'audit', 'act', 'find', 'read', 'notify', 'mail', 'api']),
    {
      name: 'libraries-on-demand',
      comment:
        'These are imported when they are used (`await import`): every process of n8n loads every node file.',
      severity: 'error',
      from: {},
      to: {
        path: `^(node:|node_modules/)?(${LIBRARIES.join('|')})(/|$)`,
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },
    onlyIn('imapflow', 'engine/imap/session/connecting.ts'),
    onlyIn('mailparser', 'engine/mail/parse.ts'),
    onlyIn('ioredis', 'engine/redis/connection.ts'),
    onlyIn('libmime', 'engine/mail/words.ts'),
    onlyIn('nodemailer', 'engine/outbox/mail/nodemailer.ts'),
    onlyIn('pg', 'engine/ledger/postgres/open.ts'),
    onlyIn('sqlite', 'engine/ledger/sqlite/open.ts'),
    onlyIn('ws', 'engine/console/ws/library.ts'),
    onlyIn('yaml', 'cli/config/document.ts'),
    onlyIn('zod', 'cli/config/schema.ts'),
    ...floors('cli', ['audit', 'console', 'check', 'collect', 'config']),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    // A part of a package that is named among its `exports` is found.
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['require', 'node', 'default'] },
    detectProcessBuiltinModuleCalls: true,
  },
};
