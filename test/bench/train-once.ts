// One process that trains the whole EfficientNet-B0 on WASM: node train-once.js BATCH REPEATS; prints milliseconds per image.
import { useEngine } from '../../common/engine/engine.node.js';
import { measureSpeed } from '../../common/learning/speed.node.js';

const [batch, repeats] = process.argv.slice(2).map(Number);
await useEngine('wasm');
const { steps: [step] } = await measureSpeed(['features.0'], { batch: batch!, repeats: repeats! });
process.stdout.write(`${step!.aloneMs}\n`);
process.exit();
