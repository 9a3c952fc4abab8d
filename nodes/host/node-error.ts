// An error of a node that says what it was given. n8n puts a text of its own in the place of one that holds a code of the
// system, such as EACCES: "make sure you have the right permissions", and neither where nor for what.
import type { INode } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';
import { errorText } from '../../engine/runtime/log';

export function nodeError(node: INode, cause: Error | string, description?: string): NodeOperationError {
  const error = new NodeOperationError(node, cause, description === undefined ? {} : { description });
  error.message = errorText(cause);
  return error;
}
