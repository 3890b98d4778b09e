// What a file that is no safetensors file is instead, by its first bytes: for messages to people
// who were given weights in another format.

const latin = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');

/** By the bytes that a file begins with. */
const BEGINNINGS: readonly (readonly [string, string])[] = [
  ['\x89HDF\r\n\x1a\n', 'an HDF5 file, as Keras writes weights (.h5)'],
  ...['\x02', '\x03', '\x04', '\x05'].map(
    (version) =>
      [
        `\x80${version}`,
        'a Python pickle, as old versions of PyTorch write checkpoints (.pth, .pt)',
      ] as const,
  ),
  ['\x93NUMPY', 'a NumPy array (.npy)'],
  ['GGUF', 'a GGUF file'],
  ['\x1f\x8b', 'a file packed by gzip: unpack it first'],
  ['7z\xbc\xaf', 'a packed archive: unpack it first'],
  ['Rar!', 'a packed archive: unpack it first'],
  ['\xfd7zXZ', 'a packed archive: unpack it first'],
  ['BZh', 'a packed archive: unpack it first'],
  ['\x89PNG', 'a picture'],
  ['\xff\xd8\xff', 'a picture'],
  [
    'version https://git-lfs',
    "a Git LFS pointer, a few lines of text in the weights' place: fetch the file itself (git lfs pull)",
  ],
];

/** By what the text at the beginning looks like. */
const TEXTS: readonly (readonly [RegExp, string])[] = [
  [
    /^(\xef\xbb\xbf)?\s*<(!doctype|html|head)/i,
    'a web page, as a download without permission or from the wrong address gives',
  ],
  [/^(\xef\xbb\xbf)?\s*<(\?xml|Error)/, "an XML document, such as a server's error"],
  [/^[^]{4}TFL3/, 'a TensorFlow Lite model (.tflite)'],
  [/^[^]{257}ustar/, 'a tar archive, as old versions of PyTorch wrote checkpoints'],
];

/** ModelProto's first fields: ir_version, then the producer's name or version, or the graph. */
const isOnnx = ([first, version, next]: Uint8Array): boolean =>
  first === 8 &&
  version! > 0 &&
  version! < 32 &&
  [0x12, 0x1a, 0x22, 0x2a, 0x32, 0x3a, 0x42].includes(next!);

/** What is packed in a zip, by the names in it. */
const PACKED: readonly (readonly [RegExp, string])[] = [
  [/data\.pkl/, 'a PyTorch checkpoint (.pth, .pt)'],
  [/model\.weights\.h5|\.weights\.h5/, "Keras' own format (.keras)"],
  [/\.npy/, 'a NumPy archive (.npz)'],
  [/\.safetensors/, 'a zip archive with a safetensors file in it: unpack it first'],
];

/**
 * Names the format, such as "a PyTorch checkpoint (.pth, .pt)"; undefined where nothing tells.
 */
export function fileKind(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return 'an empty file';
  const begin = latin(bytes.subarray(0, 512));
  // A safetensors file that was cut short: its header's length, and the header's first character.
  if (begin.slice(4, 9) === '\0\0\0\0{') return undefined;
  if (begin.startsWith('PK\x03\x04')) {
    // Names stand in the local headers and, all of them, in the directory at the end.
    const names = latin(bytes.subarray(0, 4096)) + latin(bytes.subarray(-65_536));
    return PACKED.find(([name]) => name.test(names))?.[1] ?? 'a zip archive';
  }
  return (
    BEGINNINGS.find(([beginning]) => begin.startsWith(beginning))?.[1] ??
    TEXTS.find(([text]) => text.test(begin))?.[1] ??
    (isOnnx(bytes) ? 'an ONNX model (.onnx)' : undefined) ??
    jsonKind(bytes) ??
    (bytes.subarray(0, 4096).every((byte) => byte === 0)
      ? 'a file that begins with zeros only, as an unfinished download leaves it'
      : undefined) ??
    (/^[\t\n\r\x20-\x7e]+$/.test(begin) ? 'a text file' : undefined)
  );
}

function jsonKind(bytes: Uint8Array): string | undefined {
  if (!/^\s*[{[]/.test(latin(bytes.subarray(0, 16)))) return undefined;
  const text = latin(bytes.subarray(0, 1_000_000));
  if (text.includes('"weight_map"'))
    return 'the index of a file in several parts (index.json): give it with its parts beside it';
  if (text.includes('"weightsManifest"'))
    return "a tfjs model's model.json: its folder is the model";
  return 'a JSON document';
}
