#!/usr/bin/env node
// The command `durable-mail`: the engine as a process of its own, without n8n.
import { run } from './run';

void run(process.argv.slice(2), process.env).then((code) => (process.exitCode = code));
