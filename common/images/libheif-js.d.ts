// What is used of libheif-js: its own types lack what its JavaScript part adds.
declare module 'libheif-js/libheif-wasm/libheif-bundle.mjs' {
  export interface HeifImage {
    get_width(): number;
    get_height(): number;
    is_primary(): boolean;
    /** Writes RGBA into `data`; null when it fails. */
    display(
      into: { data: Uint8ClampedArray; width: number; height: number },
      done: (shown: { data: Uint8ClampedArray } | null) => void,
    ): void;
    free(): void;
  }
  export interface HeifDecoder {
    /** Lets go of the file before. Empty when the file can't be read. */
    decode(bytes: Uint8Array): HeifImage[];
  }
  export default function start(): { readonly HeifDecoder: new () => HeifDecoder };
}
