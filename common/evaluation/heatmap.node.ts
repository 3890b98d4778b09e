// Writes heat maps as PNG files.
import { writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import sharp from 'sharp';
import { makeFolders } from '../files/durable.node.js';
import { pathError } from '../files/path-error.node.js';
import type { Picture } from '../images/picture.js';
import type { Explanation } from './grad-cam.js';
import { overlay } from './heatmap.js';

/** Side of the PNG in pixels: large enough to look at, whatever the model's input size. */
const SIZE = 512;

/**
 * The output file for each image: its name with .png, numbered where two images have the same name.
 * @throws LENTIGO_PATH when the folder can't be made
 */
export function heatmapFiles(dir: string, images: readonly string[]): string[] {
  try {
    makeFolders(dir, 0o777);
  } catch (thrown) {
    throw pathError(dir, thrown);
  }
  const used = new Set<string>();
  return images.map((image) => {
    const stem = basename(image, extname(image));
    let name = `${stem}.png`;
    for (let n = 2; used.has(name); n++) name = `${stem}-${n}.png`;
    used.add(name);
    return join(dir, name);
  });
}

/**
 * Writes one heat map.
 * @throws LENTIGO_PATH when the file can't be written
 */
export async function writeHeatmap(
  file: string,
  picture: Picture,
  explanation: Explanation,
): Promise<void> {
  const { data, width, height } = overlay(picture, explanation, SIZE);
  const png = await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  await writeFile(file, png).catch((thrown: unknown) => {
    throw pathError(file, thrown);
  });
}
