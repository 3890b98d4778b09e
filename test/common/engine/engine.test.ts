// Choosing an engine, in separate processes: missing engines are reported, and nothing else is
// printed.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { EngineReport } from '../../../common/engine/engine.node.js';
import { PACKAGE_ROOT } from '../../support/shared-data.js';

const moduleUrl = (file: string): string =>
  JSON.stringify(pathToFileURL(path.join(PACKAGE_ROOT, 'dist', file)).href);

/** Runs a script in a fresh process. */
function run(
  script: string,
  env: Record<string, string> = {},
): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: PACKAGE_ROOT,
    env: { ...process.env, LENTIGO_ENGINE: '', ...env },
  });
}
const doctor = `const { doctorCommand } = await import(${moduleUrl('commands/engine.js')}); await doctorCommand().parseAsync(['--json'], { from: 'user' });`;
const use = `const { useEngine } = await import(${moduleUrl('common/engine/engine.node.js')});
  const tf = (await import('@tensorflow/tfjs')).default;
  try { const engine = await useEngine(); console.log(engine, tf.getBackend(), tf.add(1, 2).dataSync()[0]); } catch (e) { console.log(e.code, e.message); }`;
/** Makes requiring tfjs-node fail, as on a machine whose binary could not be downloaded. */
const withoutBinary = `const { default: Module } = await import('node:module'); const load = Module._load;
  Module._load = function (request, ...rest) { if (request.startsWith('@tensorflow/tfjs-node')) throw new Error('The Node.js native addon module (tfjs_binding.node) can not be found'); return load.call(this, request, ...rest); };`;

describe('lentigo doctor', () => {
  it('says which engines work, which is chosen and why, as one JSON document and nothing else', async () => {
    const { stdout, stderr } = await run(doctor);
    const report = JSON.parse(stdout) as {
      node: string;
      platform: string;
      engines: EngineReport[];
    };
    expect(report.node).toBe(process.version);
    expect(report.platform).toBe(`${process.platform}-${process.arch}`);
    expect(report.engines.map((e) => e.name)).toEqual(['native', 'webgpu', 'wasm', 'cpu']);
    expect(report.engines.filter((e) => e.chosen)).toHaveLength(1);
    expect(report.engines.find((e) => e.available)!.chosen).toBe(true);
    expect(report.engines.find((e) => e.name === 'wasm')!.available).toBe(true);
    expect(stderr).toBe('');
  });

  it('says what is missing where tfjs-node has no binary, and chooses WASM', async () => {
    const { stdout, stderr } = await run(withoutBinary + doctor);
    const [native, , wasm] = (JSON.parse(stdout) as { engines: EngineReport[] }).engines;
    expect(native).toMatchObject({
      available: false,
      chosen: false,
      reason: expect.stringContaining('can not be found') as string,
    });
    expect(wasm).toMatchObject({ available: true, chosen: true });
    expect(stderr).toBe('');
  });
});

describe('the engine in use', () => {
  it('is the one that LENTIGO_ENGINE names, and prints nothing on stderr', async () => {
    expect(await run(use, { LENTIGO_ENGINE: 'wasm' })).toEqual({
      stdout: 'wasm wasm 3\n',
      stderr: '',
    });
    expect(await run(use, { LENTIGO_ENGINE: 'cpu' })).toEqual({
      stdout: 'cpu cpu 3\n',
      stderr: '',
    });
  });

  it("does not change the process's handling of uncaught errors", async () => {
    const counts =
      "console.log(process.listenerCount('uncaughtException'), process.listenerCount('unhandledRejection'));";
    expect((await run(use + counts, { LENTIGO_ENGINE: 'wasm' })).stdout).toBe('wasm wasm 3\n0 0\n');
  });

  it('is WASM if native is missing; asking for native or for an unknown name gives a clear error', async () => {
    expect((await run(withoutBinary + use)).stdout).toBe('wasm wasm 3\n');
    expect((await run(withoutBinary + use, { LENTIGO_ENGINE: 'native' })).stdout).toMatch(
      /^LENTIGO_ENGINE_UNAVAILABLE .*can not be found/,
    );
    expect((await run(use, { LENTIGO_ENGINE: 'gpu' })).stdout).toMatch(
      /^LENTIGO_ENGINE_UNAVAILABLE .*"gpu"/,
    );
  });
});
