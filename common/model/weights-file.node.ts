// Published weights on disk: one safetensors file, or several parts with an index that says which
// tensor lies in which (model.safetensors.index.json, as Hugging Face publishes large ones).
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { LentigoError } from '../errors.js';
import { pathError } from '../files/path-error.node.js';
import { fileKind } from './file-kind.js';
import { decodeSafetensors, type Safetensors, type StoredTensor } from './safetensors.js';

const INDEX = '.safetensors.index.json';
/** One part of several, such as model-00001-of-00003.safetensors. */
const PART = /-\d+-of-(\d+)\.safetensors$/;

const Index = z.object({
  weight_map: z.record(
    z.string(),
    z.string().refine((name) => path.basename(name) === name && name !== '..', {
      message: 'a part lies in another folder',
    }),
  ),
});

/**
 * Reads weights.
 * @param from a safetensors file, the index of one in parts, or a folder with either
 * @throws LENTIGO_PATH when `from` is not there; LENTIGO_WEIGHTS_INVALID naming the file that is
 *   damaged, of another format, or a part that is missing
 */
export async function readWeights(from: string): Promise<Safetensors> {
  const file = (await isFolder(from)) ? await inFolder(from) : from;
  return file.endsWith('.index.json') ? await readParts(file) : await readOne(file);
}

async function isFolder(from: string): Promise<boolean> {
  try {
    return (await stat(from)).isDirectory();
  } catch (e) {
    throw pathError(from, e);
  }
}

/** The weights in a folder: the index of parts, or the only safetensors file. */
async function inFolder(folder: string): Promise<string> {
  const names = (await readdir(folder)).sort();
  const index = names.filter((name) => name.endsWith(INDEX));
  const whole = names.filter((name) => name.endsWith('.safetensors') && !PART.test(name));
  const candidates = index.length > 0 ? index : whole;
  if (candidates.length === 1) return path.join(folder, candidates[0]!);
  if (candidates.length > 1) throw invalid(folder, `it holds ${candidates.join(', ')}: give one`);
  const parts = names.filter((name) => PART.test(name));
  if (parts.length > 0)
    throw invalid(folder, `it holds ${parts[0]!} without its index (model${INDEX})`);
  throw invalid(
    folder,
    `no safetensors file is in it${names.length > 0 ? `, but ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}` : ''}`,
  );
}

async function readOne(file: string): Promise<Safetensors> {
  const bytes = await read(file);
  try {
    return decodeSafetensors(bytes);
  } catch (e) {
    throw invalid(file, (e as Error).message, e);
  }
}

async function readParts(file: string): Promise<Safetensors> {
  const bytes = await read(file);
  const weightMap = indexOf(file, bytes);
  const parts = new Map<string, Safetensors>();
  for (const name of new Set(Object.values(weightMap)))
    parts.set(name, await readOne(path.join(path.dirname(file), name)));
  const tensors = Object.entries(weightMap).map(([name, part]): StoredTensor => {
    const tensor = parts.get(part)!.tensors.find((t) => t.name === name);
    if (!tensor) throw invalid(file, `it says that ${name} is in ${part}, where it is not`);
    return tensor;
  });
  // What a part says of itself, such as {"format": "pt"}, is the same in all.
  return { metadata: [...parts.values()][0]?.metadata ?? {}, tensors };
}

function indexOf(file: string, bytes: Uint8Array): Record<string, string> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (e) {
    throw invalid(file, `no index, but ${fileKind(bytes) ?? 'something that is not JSON'}`, e);
  }
  const parsed = Index.safeParse(json);
  if (parsed.success) return parsed.data.weight_map;
  const issue = parsed.error.issues[0]!;
  throw invalid(
    file,
    issue.code === 'custom'
      ? `${issue.path.join('.')}: ${issue.message}`
      : 'it has no weight_map, which says where each tensor is',
  );
}

async function read(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (e) {
    throw unreadable(file, e);
  }
}

const unreadable = (file: string, cause: unknown): LentigoError =>
  invalid(file, `can't be read: ${(cause as Error).message}`, cause);

function invalid(file: string, why: string, cause?: unknown): LentigoError {
  const [, parts] = PART.exec(file) ?? [];
  const hint =
    parts === undefined
      ? ''
      : ` (one part of ${Number(parts)}: give the index.json, or the folder)`;
  return new LentigoError('LENTIGO_WEIGHTS_INVALID', `${file}: ${why}${hint}`, { cause });
}
