// How busy this machine is, whoever keeps it busy.
import { cpus } from 'node:os';

/** What the cores have done since the machine was started, in ms. */
function times() {
  const all = cpus().map((core) => core.times);
  const sum = (/** @type {readonly number[]} */ values) => values.reduce((total, value) => total + value, 0);
  return {
    idle: sum(all.map(({ idle }) => idle)),
    all: sum(all.map(({ user, nice, sys, irq, idle }) => user + nice + sys + irq + idle)),
  };
}

export class Machine {
  #before = times();

  /** The share of the cores that had nothing to do since the last call, 0 to 1. */
  idle() {
    const [before, now] = [this.#before, times()];
    this.#before = now;
    return now.all === before.all ? 0 : (now.idle - before.idle) / (now.all - before.all);
  }
}
