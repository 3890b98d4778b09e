// `lentigo doctor`: which engines work on this machine, and which one is chosen and why.
import { Command } from 'commander';
import { type EngineReport, surveyEngines } from './engine.node.js';

/** `lentigo doctor [--json]` */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('show which engines work here, which one is chosen, and why')
    .option('--json', 'print one JSON document')
    .action(async ({ json }: { json?: boolean }) => {
      const engines = await surveyEngines();
      const platform = `${process.platform}-${process.arch}`;
      process.stdout.write(json ? `${JSON.stringify({ node: process.version, platform, engines })}\n` : report(platform, engines));
    });
}

function report(platform: string, engines: readonly EngineReport[]): string {
  const lines = engines.map(({ name, available, chosen, reason }) => `${chosen ? '→' : ' '} ${name.padEnd(7)} ${(available ? 'works' : 'missing').padEnd(8)} ${reason}`);
  return [`Node ${process.version} on ${platform}`, '', 'Engines (→ is chosen):', ...lines, ''].join('\n');
}
