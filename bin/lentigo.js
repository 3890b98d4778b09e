#!/usr/bin/env node
// The `lentigo` command. Node's warnings about experimental features are of no use to its reader.
process.removeAllListeners('warning');
await import('../dist/cli.js');
