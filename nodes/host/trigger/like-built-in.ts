// The one option that makes a trigger do what n8n's built-in one does where its settings leave something out.
import type { INodeProperties } from 'n8n-workflow';

export const LIKE_BUILT_IN = 'likeBuiltIn';

/** @param description what that is, in this trigger */
export const likeBuiltInOption = (description: string): INodeProperties => ({
  displayName: 'Behave Like the Built-in',
  name: LIKE_BUILT_IN,
  type: 'boolean',
  noDataExpression: true,
  default: true,
  description,
});
