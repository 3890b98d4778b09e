// timm's names for the same EfficientNet, translated to torchvision's, so that either library's weights can be imported.
import { type ArchitectureId, DENSE, layoutOf } from './architecture.js';

/** Modules of timm's blocks in the order of our units, by how many units a block has: 3 without expansion (DepthwiseSeparableConv), 4 with (InvertedResidual). */
const CONVOLUTIONS: Readonly<Record<number, readonly (readonly [conv: string, norm: string] | null)[]>> = {
  3: [['conv_dw', 'bn1'], null, ['conv_pw', 'bn2']],
  4: [['conv_pw', 'bn1'], ['conv_dw', 'bn2'], null, ['conv_pwl', 'bn3']],
};

/** timm module name → torchvision module name. */
export function timmModules(architecture: ArchitectureId): Map<string, string> {
  const { blocks } = layoutOf(architecture);
  const modules = new Map([['classifier', DENSE]]);
  for (const [b, block] of blocks.entries()) {
    for (const [i, { units }] of block.layers.entries()) {
      const ends = b === 0 ? ['conv_stem', 'bn1'] : b === blocks.length - 1 ? ['conv_head', 'bn2'] : undefined;
      for (const [u, unit] of units.entries()) {
        const at = `blocks.${b - 1}.${i}`;
        if (unit.kind === 'squeeze') {
          modules.set(`${at}.se.conv_reduce`, `${unit.name}.fc1`);
          modules.set(`${at}.se.conv_expand`, `${unit.name}.fc2`);
        } else {
          const [conv, norm] = ends ?? CONVOLUTIONS[units.length]![u]!.map((m) => `${at}.${m}`);
          modules.set(conv!, unit.name);
          modules.set(norm!, unit.norm);
        }
      }
    }
  }
  return modules;
}

/** A parameter's torchvision name: translated if it is timm's, else unchanged. */
export function torchvisionName(name: string, modules: ReadonlyMap<string, string>): string {
  const dot = name.lastIndexOf('.');
  const module = modules.get(name.slice(0, dot));
  return module === undefined ? name : `${module}${name.slice(dot)}`;
}
