// A photograph's centre square with the Grad-CAM heat map laid over it, enlarged smoothly.
import { useEffect, useRef } from 'react';
import { STRINGS } from '../strings/index.js';

interface Heat {
  readonly heat: Float32Array;
  readonly side: number;
}

export function HeatOverlay({
  url,
  explanation,
  shown,
}: {
  url: string;
  explanation: Heat | undefined;
  shown: boolean;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (explanation && canvas.current) paint(canvas.current, explanation);
  }, [explanation]);
  return (
    <div
      style={{
        position: 'relative',
        aspectRatio: '1',
        borderRadius: 14,
        overflow: 'hidden',
        background: 'var(--mantine-color-default-hover)',
      }}
    >
      <img
        src={url}
        alt={shown ? STRINGS.predict.withHeat : STRINGS.predict.photograph}
        style={{ width: '100%', height: '100%', objectFit: 'cover' }}
      />
      <canvas
        ref={canvas}
        aria-hidden
        style={{
          position: 'absolute',
          inset: 0,
          width: '100%',
          height: '100%',
          opacity: shown ? 1 : 0,
          transition: 'opacity 200ms',
        }}
      />
    </div>
  );
}

/**
 * From transparent violet over orange to yellow: legible on every skin, and without red and green.
 */
const STOPS = [
  [72, 12, 108, 0],
  [168, 40, 110, 0.35],
  [246, 120, 40, 0.55],
  [252, 226, 80, 0.7],
] as const;

function colourOf(
  value: number,
): readonly [red: number, green: number, blue: number, alpha: number] {
  const at = Math.min(1, Math.max(0, value)) * (STOPS.length - 1);
  const [from, to] = [
    STOPS[Math.floor(at)]!,
    STOPS[Math.min(STOPS.length - 1, Math.floor(at) + 1)]!,
  ];
  const mix = (i: 0 | 1 | 2 | 3) => from[i] + (to[i] - from[i]) * (at % 1);
  return [mix(0), mix(1), mix(2), mix(3)];
}

function paint(canvas: HTMLCanvasElement, { heat, side }: Heat): void {
  const size = 224;
  canvas.width = canvas.height = size;
  const image = new ImageData(size, size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [r, g, b, a] = colourOf(
        between(heat, side, ((x + 0.5) / size) * side - 0.5, ((y + 0.5) / size) * side - 0.5),
      );
      image.data.set([r, g, b, 255 * a], (y * size + x) * 4);
    }
  }
  canvas.getContext('2d')!.putImageData(image, 0, 0);
}

/** Bilinear, with the edge's values beyond the edge. */
function between(heat: Float32Array, side: number, x: number, y: number): number {
  const inside = (v: number) => Math.min(side - 1, Math.max(0, v));
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const at = (dx: number, dy: number) => heat[inside(top + dy) * side + inside(left + dx)]!;
  const [fx, fy] = [x - left, y - top];
  return (
    (at(0, 0) * (1 - fx) + at(1, 0) * fx) * (1 - fy) + (at(0, 1) * (1 - fx) + at(1, 1) * fx) * fy
  );
}
