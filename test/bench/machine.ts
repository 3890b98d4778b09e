// The machine on which a figure was measured: processor, memory, Node, engines, and how busy it
// was.
import { cpus, loadavg, platform, totalmem } from 'node:os';
import { surveyEngines } from '../../common/engine/engine.node.js';

/** One line of Markdown. */
export async function machineLine(): Promise<string> {
  const [load] = loadavg();
  const processors = cpus();
  const engines = (await surveyEngines())
    .filter((e) => e.available && e.name !== 'cpu')
    .map((e) => `${e.name} (${e.reason.split(';')[0]})`);
  return [
    new Date().toISOString().slice(0, 16).replace('T', ' ') + ' UTC',
    `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()}`,
    `Node ${process.versions.node}`,
    `engines ${engines.join(', ')}`,
    `load average at the start ${load!.toFixed(1)}${load! > 1 ? ' (other work was going on: a quiet machine is faster)' : ''}`,
  ].join('; ');
}
