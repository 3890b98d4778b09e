// What is used of libheif-js: its own types lack the default export.
declare module 'libheif-js/libheif-wasm/libheif-bundle.mjs' {
  /** In libheif's memory, until it is released. */
  type Held = { readonly held: unique symbol };
  interface Status {
    readonly code: unknown;
    readonly message: string;
  }
  interface Decoded {
    readonly image: Held;
    /** Of an interleaved picture, one: rows of `stride` bytes. */
    readonly channels: readonly {
      readonly width: number;
      readonly height: number;
      readonly stride: number;
      readonly data: Uint8Array;
    }[];
  }
  export interface Libheif {
    readonly heif_error_code: { readonly heif_error_Ok: unknown };
    readonly heif_colorspace: { readonly heif_colorspace_RGB: unknown };
    readonly heif_chroma: { readonly heif_chroma_interleaved_RGB: unknown };
    heif_context_alloc(): Held;
    heif_context_read_from_memory(context: Held, bytes: Uint8Array): Status;
    heif_js_context_get_primary_image_handle(context: Held): Held | Status;
    heif_js_decode_image2(
      handle: Held,
      colorspace: unknown,
      chroma: unknown,
    ): Promise<Decoded | Status>;
    heif_image_release(image: Held): void;
    heif_image_handle_release(handle: Held): void;
    heif_context_free(context: Held): void;
  }
  export default function start(): Libheif;
}
declare module 'libheif-js/libheif-wasm/libheif.js' {
  import type { Libheif } from 'libheif-js/libheif-wasm/libheif-bundle.mjs';
  /** @param module with the bytes of libheif.wasm */
  export default function start(module: { readonly wasmBinary: ArrayBuffer }): Libheif;
}
