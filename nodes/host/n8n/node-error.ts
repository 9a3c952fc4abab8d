// An error of a node that says what it was given. n8n puts a text of its own in the place of one that holds a code of the
// system, such as EACCES: "make sure you have the right permissions", and neither where nor for what.
// Invariant: no node makes an error in any other way (eslint.config.mjs), so none of our texts is replaced.
import type { INode } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';
import { errorText } from '../../../engine/runtime/log';

interface ErrorOptions {
  readonly description?: string;
  /** Of the item that it is about. */
  readonly itemIndex?: number;
}

/** @param cause what to say, or an error that says it; one that is a node's already is taken as it is */
export function nodeError(
  node: INode,
  cause: Error | string,
  options: ErrorOptions = {},
): NodeOperationError {
  const error = new NodeOperationError(node, cause, options);
  error.message = errorText(cause);
  // n8n has put the text that it replaced among those of the errors below, and the editor would show it twice.
  error.messages = error.messages.filter((text) => text !== error.message);
  return error;
}
