// @ts-nocheck: it reaches into Node's own loading of modules.
// Loaded before n8n: to nodes of the package the hooks of an execution seem not to be there, as in an n8n that has none. n8n's
// own code has them.
const Module = require('node:module');

const load = Module._load;
let isDone = false;

Module._load = function (request, ...more) {
  const loaded = load.call(this, request, ...more);
  const hooks =
    !isDone && loaded && Object.getOwnPropertyNames(loaded).includes('ExecutionLifecycleHooks')
      ? loaded.ExecutionLifecycleHooks
      : undefined;
  if (typeof hooks !== 'function') return loaded;
  isDone = true;
  const { addHandler } = hooks.prototype;
  Object.defineProperty(hooks.prototype, 'addHandler', {
    get: () => (new Error().stack.includes('run-hooks') ? undefined : addHandler),
  });
  return loaded;
};
