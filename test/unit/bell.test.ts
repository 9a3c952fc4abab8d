// What rests until it is called, stopped, or its time is over.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { Bell } from '../../engine/runtime/bell';
import { firstOf, monotonicNow, pause } from '../../engine/runtime/time';

const LONG = 60_000;

type Call = 'one' | 'other';
const BOTH: readonly Call[] = ['one', 'other'];

const stopping = (): AbortController => new AbortController();
const listeners = ({ signal }: AbortController): number => getEventListeners(signal, 'abort').length;
const stateOf = async (rest: Promise<unknown>): Promise<'rests' | 'over'> => {
  await new Promise((resolve) => setImmediate(resolve));
  return Promise.race([rest.then(() => 'over' as const), Promise.resolve('rests' as const)]);
};

/** Timers that are unref'ed are told by what waits for them. */
class Pauses {
  open = 0;
  readonly pause = async (ms: number, signal: AbortSignal): Promise<void> => {
    this.open++;
    await pause(ms, signal);
    this.open--;
  };
}

describe('a rest that somebody can end', () => {
  it('ends when it is called, at its time, or when it is stopped, and leaves nothing behind', async () => {
    const pauses = new Pauses();
    const bell = new Bell<Call>(pauses.pause);
    const stop = stopping();
    const called = bell.wait(LONG, BOTH, stop.signal);
    assert.equal(await stateOf(called), 'rests');
    assert.deepEqual([pauses.open, listeners(stop)], [1, 1]);
    bell.ring('other');
    await called;
    assert.deepEqual([bell.take('other'), bell.take('other')], [true, false]);

    const began = monotonicNow();
    await bell.wait(30, BOTH, stop.signal);
    assert.ok(monotonicNow() - began >= 25);

    const stopped = bell.wait(LONG, BOTH, stop.signal);
    assert.equal(await stateOf(stopped), 'rests');
    stop.abort();
    await stopped;
    assert.deepEqual([pauses.open, listeners(stop)], [0, 0]);
  });

  it('does not begin where it was called before, is stopped already, or has no time', async () => {
    const pauses = new Pauses();
    const bell = new Bell<Call>(pauses.pause);
    const stop = stopping();
    bell.ring('one');
    bell.ring('one');
    await bell.wait(LONG, BOTH, stop.signal);
    assert.ok(bell.has('one'), 'the call is there until it is taken');
    assert.ok(bell.take('one'));
    assert.ok(!bell.has('one'), 'many calls are one');
    await bell.wait(0, BOTH, stop.signal);
    await bell.wait(-1, BOTH, stop.signal);
    stop.abort();
    await bell.wait(LONG, BOTH, stop.signal);
    assert.deepEqual([pauses.open, listeners(stop)], [0, 0]);
  });

  it('goes on when it is called by another name, and that call is found later', async () => {
    const bell = new Bell<Call>();
    const stop = stopping();
    const rest = bell.wait(LONG, ['one'], stop.signal);
    bell.ring('other');
    assert.equal(await stateOf(rest), 'rests');
    bell.ring('one');
    await rest;
    await bell.wait(LONG, ['other'], stop.signal);
    assert.ok(bell.take('other'));
  });

  it('ends for all who rest', async () => {
    const bell = new Bell<Call>();
    const stop = stopping();
    const [long, short] = [bell.wait(LONG, BOTH, stop.signal), bell.wait(10, BOTH, stop.signal)];
    await short;
    assert.equal(await stateOf(long), 'rests', 'the end of one ends no other');
    const another = bell.wait(LONG, ['one'], stop.signal);
    bell.ring('one');
    await Promise.all([long, another]);
    assert.equal(listeners(stop), 0);
  });

  it('keeps a call that comes between two rests, whatever was done meanwhile', async () => {
    const bell = new Bell<Call>();
    const { signal } = stopping();
    await bell.wait(1, BOTH, signal);
    await new Promise((resolve) => setImmediate(resolve));
    bell.ring('one');
    await bell.wait(LONG, BOTH, signal);
    assert.ok(bell.has('one'));
  });
});

describe('the first of several waits', () => {
  it('ends the others, and leaves nothing behind', async () => {
    const pauses = new Pauses();
    const stop = stopping();
    const wait = (ms: number) => (signal: AbortSignal) => pauses.pause(ms, signal);
    await firstOf(stop.signal, [wait(LONG), wait(5), wait(LONG)]);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([pauses.open, listeners(stop)], [0, 0]);
  });

  it('is not waited for any longer once it is stopped, before or meanwhile', async () => {
    const pauses = new Pauses();
    const stop = stopping();
    const rest = firstOf(stop.signal, [
      (signal) => pauses.pause(LONG, signal),
      () => new Promise(() => undefined),
    ]);
    assert.equal(await stateOf(rest), 'rests');
    stop.abort();
    await rest;
    await firstOf(stop.signal, [(signal) => pauses.pause(LONG, signal)]);
    assert.deepEqual([pauses.open, listeners(stop)], [0, 0]);
  });

  it('rejects as that one does', async () => {
    const stop = stopping();
    const fails = (): Promise<void> => Promise.reject(new Error('broken'));
    await assert.rejects(firstOf(stop.signal, [(signal) => pause(LONG, signal), fails]), /broken/);
    assert.equal(listeners(stop), 0);
  });
});
