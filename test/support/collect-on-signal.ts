// Loaded into a process under test (node --import): at SIGUSR2 it collects its garbage and prints
// what is left, in bytes, so that memory that grows is told from memory that merely wasn't
// collected yet.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

process.on('SIGUSR2', () => {
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  process.stdout.write(`${JSON.stringify({ collected: true, live: heapUsed + external, rss })}\n`);
});
