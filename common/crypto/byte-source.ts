// Bytes that can be read again and again, any range of them: a sealed update in memory here, in a
// file in byte-source.node.ts.

export interface ByteSource {
  /** The whole length, bytes. */
  readonly bytes: number;
  /** Bytes [start, end); 0 ≤ start ≤ end ≤ bytes. */
  read(start: number, end: number): Promise<Uint8Array>;
}

export function memorySource(bytes: Uint8Array): ByteSource {
  return { bytes: bytes.length, read: (start, end) => Promise.resolve(bytes.subarray(start, end)) };
}
