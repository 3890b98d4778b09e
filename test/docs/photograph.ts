// A photograph as a phone takes it, for the commands that want one.
import sharp from 'sharp';
import { openDataset } from '../../common/dataset/open.node.js';

export async function photograph(file: string): Promise<void> {
  const { data, width, height } = await (
    await openDataset('synthetic:site=1&images=1&size=96')
  ).samples[0]!.load();
  await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg()
    .toFile(file);
}
