// The last steps of a synthetic photograph: the lamp that shows the relief, and the site's light
// and camera.
import type { Picture } from '../../images/picture.js';
import type { Random } from '../../random.js';
import { blur, smoothstep } from './fields.js';
import type { SiteStyle } from './site.js';

const clamp = (value: number): number => Math.min(1023, Math.max(0, value + 0.5)) | 0;

/** Lights the relief from one side: slopes facing the lamp are lighter, and glossy ones glint. */
export function shade(
  rgb: Float32Array,
  height: Float32Array,
  inLesion: Float32Array,
  gloss: number,
  size: number,
  random: Random,
): void {
  const from = random.uniform(0, 2 * Math.PI);
  const slope = 0.16 * (size / 256);
  const [lx, ly] = [slope * Math.cos(from), slope * Math.sin(from)];
  for (let y = 1, i = size + 1; y < size - 1; y++, i += 2) {
    for (let x = 1; x < size - 1; x++, i++) {
      const facing =
        lx * (height[i + 1]! - height[i - 1]!) + ly * (height[i + size]! - height[i - size]!);
      const light = 1 + Math.min(0.45, Math.max(-0.45, facing));
      const glint = gloss * inLesion[i]! * 0.45 * smoothstep(0.1, 0.4, facing);
      rgb[3 * i] = rgb[3 * i]! * light + glint;
      rgb[3 * i + 1] = rgb[3 * i + 1]! * light + glint;
      rgb[3 * i + 2] = rgb[3 * i + 2]! * light + glint;
    }
  }
}

/**
 * The site's light and camera: blur, colour and fall-off of the light, tone curve, noise, 8 bits.
 */
export function photograph(
  rgb: Float32Array,
  style: SiteStyle,
  size: number,
  random: Random,
): Picture {
  const sigma = random.uniform(...style.blur) * (size / 256);
  if (sigma > 0.25) blur(rgb, size, sigma);
  const warmth = random.normal(...style.warmth);
  const exposure = style.exposure * random.uniform(0.9, 1.08);
  const gains = [
    exposure * (1 + 0.18 * warmth),
    exposure * (1 + 0.1 * style.green),
    exposure * (1 - 0.3 * warmth),
  ] as const;
  const gradient = style.gradient * random.uniform(0.4, 1.3);
  const towards = random.uniform(0, 2 * Math.PI);
  const [gx, gy] = [(gradient * Math.cos(towards)) / size, (gradient * Math.sin(towards)) / size];
  // 4,096 normal numbers; the noise is sampled from them at random places.
  const normals = Float32Array.from({ length: 4096 }, () =>
    random.normal(0, (style.noise / 255) * 900),
  );
  const tone = Uint8Array.from({ length: 1024 }, (_, i) =>
    Math.round(255 * Math.min(1, i / 900) ** style.gamma),
  );
  const [red, green, blue] = gains;
  const { saturation } = style;
  const fall = (2 * style.vignette) / (size * size);
  const data = new Uint8Array(size * size * 3);
  let place = random.int(4096);
  for (let y = 0, i = 0; y < size; y++) {
    const dy = y - size / 2;
    for (let x = 0; x < size; x++, i += 3) {
      const dx = x - size / 2;
      const light = 900 * (1 + gx * dx + gy * dy - fall * (dx * dx + dy * dy));
      const r = rgb[i]! * red * light;
      const g = rgb[i + 1]! * green * light;
      const b = rgb[i + 2]! * blue * light;
      const grey = (1 - saturation) * (0.3 * r + 0.59 * g + 0.11 * b);
      place = Math.imul(place, 1664525) + 1013904223;
      data[i] = tone[clamp(grey + saturation * r + normals[(place >>> 8) & 4095]!)]!;
      data[i + 1] = tone[clamp(grey + saturation * g + normals[(place >>> 14) & 4095]!)]!;
      data[i + 2] = tone[clamp(grey + saturation * b + normals[(place >>> 20) & 4095]!)]!;
    }
  }
  return { width: size, height: size, data };
}
