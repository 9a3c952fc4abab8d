import { n8nCommunityNodesPlugin } from '@n8n/eslint-plugin-community-nodes';
import { globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const forN8n = ['nodes/**/*.ts', 'credentials/**/*.ts'];

const ownErrors = {
  selector: 'NewExpression[callee.name=/^Node(Operation|Api)Error$/]',
  message: 'n8n rewrites its text where it holds a code such as ECONNREFUSED: use nodeError (nodes/host).',
};

const INTERNAL_NAMES =
  '/^(additionalData|connectionsBySourceNode|rootExecutionMode|workflowData|createRequire)$/';

const n8nInternals = [
  `MemberExpression > Identifier.property[name=${INTERNAL_NAMES}]`,
  `Property > Identifier.key[name=${INTERNAL_NAMES}]`,
  `TSPropertySignature > Identifier.key[name=${INTERNAL_NAMES}]`,
  `ImportSpecifier > Identifier.imported[name=${INTERNAL_NAMES}]`,
  'MemberExpression[object.callee.property.name="getNode"][property.name="parameters"]',
  'MemberExpression[object.name="node"][property.name="parameters"]',
  'Literal[value=/^(n8n-core|@n8n\\/.*)$/]',
].map((selector) => ({
  selector,
  message: "What is not in n8n's documented API is asked for in nodes/host/n8n/internals.ts only.",
}));

export default tseslint.config(
  globalIgnores(['dist', '.tools', '.demo*', '**/*.d.ts']),
  {
    // The preset for self-hosted n8n: sockets and a database rule out n8n Cloud. The engine knows nothing of n8n.
    ...n8nCommunityNodesPlugin.configs.recommendedWithoutN8nCloudSupport,
    files: [...forN8n, 'package.json'],
  },
  {
    files: ['package.json'],
    languageOptions: { parser: tseslint.parser, parserOptions: { extraFileExtensions: ['.json'] } },
    // IMAP and mail parsing are not to be written anew: n8n installs these with the package.
    rules: { '@n8n/community-nodes/no-runtime-dependencies': 'off' },
  },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      // Where an index is known to be in range, or a row to be there, `!` says so.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Numbers in messages read well as they are.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // A port may be asynchronous where one of its adapters is not.
      '@typescript-eslint/require-await': 'off',
      // Libraries are loaded when they are needed, and their types named beside that.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // A row's type is said by whoever wrote its SQL.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['index.ts', ...forN8n, 'engine/**/*.ts', 'cli/**/*.ts', 'console/**/*.{ts,tsx}'],
    rules: { '@typescript-eslint/explicit-module-boundary-types': 'error', 'no-console': 'error' },
  },
  {
    files: ['nodes/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ownErrors, ...n8nInternals] },
  },
  {
    files: ['nodes/host/n8n/node-error.ts'],
    rules: { 'no-restricted-syntax': ['error', ...n8nInternals] },
  },
  {
    files: ['nodes/host/n8n/internals.ts'],
    rules: { 'no-restricted-syntax': ['error', ownErrors] },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // node:test's `describe` and `it` return promises that nobody has to wait for.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', name: ['describe', 'it', 'test'], package: 'node:test' },
          ],
        },
      ],
    },
  },
);
