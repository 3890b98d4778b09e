import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../support/shared-data.js';

const file = (path: string) => join(PACKAGE_ROOT, path);

describe('the logo', () => {
  it('is the same in both pages, in the theme’s colour', async () => {
    const logo = await readFile(file('common/web/icon.svg'), 'utf8');
    // The app's lies where its manifest finds it under a name that doesn't change.
    expect(await readFile(file('client/web/public/icon.svg'), 'utf8')).toBe(logo);
    const theme = await readFile(file('common/web/theme.ts'), 'utf8');
    const [colour] = /#[0-9a-f]{6}/.exec(logo)!;
    expect(theme).toContain(`'${colour}'`);
    const manifest = JSON.parse(
      await readFile(file('client/web/public/manifest.webmanifest'), 'utf8'),
    ) as { theme_color: string };
    expect(manifest.theme_color).toBe(colour);
  });

  it('as a picture for a home screen has its colour to the edges, which the system cuts', async () => {
    for (const size of [192, 512]) {
      const { data, info } = await sharp(file(`client/web/public/icon-${size}.png`))
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true });
      expect([info.width, info.height]).toEqual([size, size]);
      expect([...data.subarray(0, 3)]).toEqual([0x1f, 0x6d, 0x72]);
    }
  });
});
