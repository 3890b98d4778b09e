// A decoded photograph: the output of every decoder and the input of every image step.

/**
 * 8-bit RGB, row-major, three bytes a pixel (height × width × 3), upright (EXIF orientation already
 * applied).
 */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}
