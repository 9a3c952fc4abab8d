// What people read of an error is what we wrote, whatever it holds.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type INode, NodeApiError, NodeOperationError } from 'n8n-workflow';
import { nodeError } from '../../nodes/host/n8n/node-error';

const node = { name: 'Mail', type: 'trigger', parameters: {} } as unknown as INode;

/** Texts that n8n puts others in the place of (n8n-workflow, node.error, COMMON_ERRORS). */
const CODES = [
  ...[
    'ECONNREFUSED',
    'ECONNRESET',
    'ENOTFOUND',
    'ETIMEDOUT',
    'ERRADDRINUSE',
    'EADDRNOTAVAIL',
    'ECONNABORTED',
  ],
  ...['EHOSTUNREACH', 'EAI_AGAIN', 'ENOENT', 'EISDIR', 'ENOTDIR', 'EACCES', 'EEXIST', 'EPERM', 'GETADDRINFO'],
];

describe('an error of a node', () => {
  it('says what it was given, where n8n has a text of its own', () => {
    for (const code of CODES) {
      const text = `The mail ledger on db.example:5432 cannot be reached (connect ${code}).`;
      assert.notEqual(new NodeOperationError(node, text).message, text, `${code}: n8n has none any more`);
      const fault = Object.assign(new Error(text), { code, errno: -1, syscall: 'connect' });
      for (const cause of [text, fault, new Error(text, { cause: fault }), nodeError(node, text)]) {
        const error = nodeError(node, cause, { description: `Look at ${code}.`, itemIndex: 3 });
        assert.equal(error.message, text);
        assert.deepEqual(error.messages, [], 'nor does it say it again');
        // Twice on its way up.
        assert.equal(nodeError(node, error).message, text);
      }
      const { description, context } = nodeError(node, text, {
        description: `Look at ${code}.`,
        itemIndex: 3,
      });
      assert.deepEqual([description, context['itemIndex']], [`Look at ${code}.`, 3]);
    }
  });

  it('keeps what the errors below it say, and says its own text where they speak of a code', () => {
    for (const code of CODES) {
      const below = new NodeApiError(node, { message: `Answered ${code.toLowerCase()}`, code });
      const texts = [...new Set(below.messages)];
      assert.ok(texts.length > 0, `${code}: n8n has replaced none of its own`);
      below.message = 'The token cannot be refreshed.';
      below.description = `Ask again: ${code}`;
      const error = nodeError(node, below);
      assert.equal(error.message, 'The token cannot be refreshed.');
      assert.equal(error.description, `Ask again: ${code}`);
      assert.deepEqual(error.messages, texts);
    }
  });

  it('is stored and told as it was written', () => {
    for (const code of CODES) {
      const text = `connect ${code} db.example:5432`;
      const cause = Object.assign(new Error(text), { code, errno: -111, syscall: 'connect' });
      const stored = JSON.parse(JSON.stringify(nodeError(node, cause))) as Record<string, unknown>;
      assert.equal(stored['message'], text);
    }
  });
});
