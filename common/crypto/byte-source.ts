// Bytes that can be read again and again, any range of them: a sealed update, in a file
// (byte-source.node.ts) or wherever it lies.

export interface ByteSource {
  /** The whole length, bytes. */
  readonly bytes: number;
  /** Bytes [start, end); 0 ≤ start ≤ end ≤ bytes. */
  read(start: number, end: number): Promise<Uint8Array>;
}
