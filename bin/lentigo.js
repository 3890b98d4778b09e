#!/usr/bin/env node
// The `lentigo` command. Node's warnings about experimental features are hidden, as they don't help
// its users.
process.removeAllListeners('warning');
await import('../dist/cli.js');
