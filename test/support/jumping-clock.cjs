// Loaded before a program: its wall clock is off by what a file says, ms, in all its threads. The monotonic clock goes on as it does.
'use strict';
const { readFileSync } = require('node:fs');
const { performance } = require('node:perf_hooks');

const LOOK_MS = 20;
const file = process.env.JUMPING_CLOCK ?? '';
const RealDate = Date;
let offset = 0;
let lookedAt = -Infinity;

function now() {
  if (performance.now() - lookedAt > LOOK_MS) {
    lookedAt = performance.now();
    try {
      offset = Number(readFileSync(file, 'utf8')) || 0;
    } catch {
      // It is being written.
    }
  }
  return RealDate.now() + offset;
}

globalThis.Date = new Proxy(RealDate, {
  construct: (target, told, made) => Reflect.construct(target, told.length === 0 ? [now()] : told, made),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});
