// Bytes of which any range can be read repeatedly: a sealed update, in a file (byte-source.node.ts)
// or elsewhere.

export interface ByteSource {
  /** The whole length, bytes. */
  readonly bytes: number;
  /** Bytes [start, end); 0 ≤ start ≤ end ≤ bytes. */
  read(start: number, end: number): Promise<Uint8Array>;
}
