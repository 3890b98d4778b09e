// Compiles functions for the native engine: it records the operations that a function runs, forward
// and backward, once, and from then on runs them as one TensorFlow graph. Calling a thousand
// operations from JavaScript takes as long as computing them; within a graph TensorFlow runs them
// on all cores at once.
import * as tf from '@tensorflow/tfjs';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Compiler, registerCompiler } from './compiled.js';
import { type Node, savedModel, TAG } from './graph-def.js';
import type { Attribute, Binding, Handle, NodeBackend } from './native-backend.js';

/** Number of graphs kept, the most recently used. */
const MOST = 16;

/** tfjs's name for running a graph, by which it finds the gradient. */
const KERNEL = 'RunGraph';

interface Attributes {
  readonly graph: Graph;
  /** Whether a gradient will be needed. */
  readonly differentiated: boolean;
  /**
   * TensorFlow's tensors that the forward run keeps for the gradient: its inputs, and intermediate
   * results.
   */
  inputs: readonly number[];
  kept: readonly number[];
}

const backend = (): NodeBackend => tf.backend() as unknown as NodeBackend;

/** The bytes of a tensor that JavaScript created. */
function bytesOf(binding: Binding, dtype: number, values: ArrayLike<number>): Uint8Array {
  const { TF_FLOAT, TF_INT32, TF_INT64, TF_BOOL } = binding;
  if (dtype === TF_FLOAT) return new Uint8Array(Float32Array.from(values).buffer);
  // tfjs-node stores an int64 as two int32.
  if (dtype === TF_INT32 || dtype === TF_INT64)
    return new Uint8Array(Int32Array.from(values).buffer);
  if (dtype === TF_BOOL) return Uint8Array.from(values);
  throw new Error(`a constant of TensorFlow's type ${dtype} isn't known`);
}

/** Records each operation that runs, as a node of a graph. */
class Recorder {
  readonly nodes: Node[] = [];
  /** The names in the graph of TensorFlow's tensors. */
  readonly #names = new Map<number, string>();
  readonly #backend = backend();
  readonly #binding = this.#backend.binding;

  /** Runs `work` and records its operations. */
  record<T>(work: () => T): T {
    const binding = this.#binding;
    this.#backend.binding = Object.create(binding, {
      createTensor: {
        value: (shape: readonly number[], dtype: number, values: ArrayLike<number>): number => {
          const id = binding.createTensor(shape, dtype, values);
          this.#add(id, 'Const', [this.#type('dtype', dtype)], [], {
            shape: [...shape],
            dtype,
            bytes: bytesOf(binding, dtype, values),
          });
          return id;
        },
      },
      executeOp: {
        value: (
          op: string,
          attributes: readonly Attribute[],
          inputs: readonly number[],
          count: number,
        ) => {
          const outputs = binding.executeOp(op, attributes, inputs, count);
          // tfjs-node lets TensorFlow infer this operation's type; a graph must state it.
          const all = op === 'ExpandDims' ? [this.#type('T', outputs[0]!.dtype)] : attributes;
          const name = this.#add(
            outputs[0]?.id,
            op,
            all,
            inputs.map((id) => this.#nameOf(id)),
          );
          for (const [i, { id }] of outputs.entries())
            if (i > 0) this.#names.set(id, `${name}:${i}`);
          return outputs;
        },
      },
    }) as Binding;
    try {
      return work();
    } finally {
      this.#backend.binding = binding;
    }
  }
  /** A tensor whose value is supplied at each run. */
  input(tensor: tf.Tensor): string {
    const [id] = this.#backend.getInputTensorIds([tensor]);
    const dtype = this.#binding[tensor.dtype === 'int32' ? 'TF_INT32' : 'TF_FLOAT'];
    return this.#add(
      id,
      'Placeholder',
      [
        this.#type('dtype', dtype),
        { name: 'shape', type: this.#binding.TF_ATTR_SHAPE, value: tensor.shape },
      ],
      [],
    );
  }
  nameOf(tensor: tf.Tensor): string {
    return this.#nameOf(this.#backend.getInputTensorIds([tensor])[0]!);
  }

  #add(
    id: number | undefined,
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly string[],
    constant?: Node['constant'],
  ): string {
    const name = `n${this.nodes.length}`;
    this.nodes.push({ name, op, attributes, inputs, ...(constant && { constant }) });
    if (id !== undefined) this.#names.set(id, name);
    return name;
  }
  #nameOf(id: number): string {
    const name = this.#names.get(id);
    if (name === undefined)
      throw new Error('it uses a tensor that is neither x, nor a variable, nor made in it');
    return name;
  }
  #type(name: string, value: number): Attribute {
    return { name, type: this.#binding.TF_ATTR_TYPE, value };
  }
}

/** The names of outputs as runSavedModel expects them. */
const outputNames = (names: readonly string[]): string =>
  names.map((name) => (name.includes(':') ? name : `${name}:0`)).join(',');

/** Operations that only change the shape of the same values: they are repeated rather than kept. */
const VIEWS = new Set(['Reshape', 'ExpandDims', 'Squeeze']);

/** What the backward pass to `gradients` needs of the first `forward` nodes. */
function neededBack(
  nodes: readonly Node[],
  forward: number,
  gradients: readonly string[],
): string[] {
  const places = new Map(nodes.map(({ name }, i) => [name, i]));
  const needed = new Set<string>();
  const seen = new Set<string>();
  const pending = [...gradients];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const place = places.get(name.split(':')[0]!)!;
    const { op, inputs } = nodes[place]!;
    if (place < forward && inputs.length > 0 && !VIEWS.has(op)) needed.add(name);
    else pending.push(...inputs);
  }
  return [...needed];
}

/** A recorded function, and its gradient. */
class Graph {
  readonly #backend = backend();
  readonly #model: number;
  readonly #inputs: readonly string[];
  readonly #outputs: readonly string[];
  readonly #slopes: readonly string[];
  readonly #gradients: readonly string[];
  readonly #kept: readonly string[];
  /** Which of the inputs have gradients. */
  readonly trainable: readonly number[];

  /**
   * Records f of x and the variables, and its gradient in the trainable ones.
   * @throws when TensorFlow rejects the graph
   */
  constructor(x: tf.Tensor, variables: readonly tf.Variable[], f: () => readonly tf.Tensor[]) {
    const recorder = new Recorder();
    const trainable = variables.filter((v) => v.trainable);
    let forward = 0;
    let [outputs, slopes]: (readonly string[])[] = [[], []];
    // The chain rule needs the gradient of Σ value · slope, whatever the slopes are.
    const weighted = (): tf.Scalar => {
      const values = f();
      outputs = values.map((value) => recorder.nameOf(value));
      forward = recorder.nodes.length;
      const factors = values.map(({ shape }) => tf.zeros(shape));
      slopes = factors.map((factor) => recorder.input(factor));
      return tf.addN(values.map((value, i) => tf.sum(tf.mul(value, factors[i]!)))) as tf.Scalar;
    };
    this.#inputs = [x, ...variables].map((tensor) => recorder.input(tensor));
    this.#gradients = tf.tidy(() => {
      const { grads } = recorder.record(() => tf.variableGrads(weighted, trainable));
      return trainable.map((v) => recorder.nameOf(grads[v.name]!));
    });
    this.trainable = trainable.map((v) => 1 + variables.indexOf(v));
    this.#outputs = outputs!;
    this.#slopes = slopes!;
    this.#kept = neededBack(recorder.nodes, forward, this.#gradients);
    const folder = mkdtempSync(join(tmpdir(), 'lentigo-graph-'));
    try {
      writeFileSync(
        join(folder, 'saved_model.pb'),
        savedModel(recorder.nodes, this.#backend.binding),
      );
      this.#model = this.#backend.binding.loadSavedModel(folder, TAG);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /**
   * Runs the graph forward.
   * @param inputs x and the variables
   * @returns the outputs and, if they will be differentiated, what the gradient needs
   */
  forward(
    inputs: readonly number[],
    differentiated: boolean,
  ): { outputs: tf.Tensor[]; kept: number[] } {
    const names = differentiated ? [...this.#outputs, ...this.#kept] : this.#outputs;
    const handles = this.#backend.binding.runSavedModel(
      this.#model,
      inputs,
      outputNames(this.#inputs),
      outputNames(names),
    );
    const outputs = handles
      .slice(0, this.#outputs.length)
      .map((handle) => this.#backend.createOutputTensor(handle));
    return { outputs, kept: handles.slice(outputs.length).map(({ id }) => id) };
  }
  /**
   * The gradients of the trainable variables, as handles still to be made tensors; frees what was
   * kept.
   */
  backward(
    inputs: readonly number[],
    kept: readonly number[],
    slopes: readonly tf.Tensor[],
  ): Handle[] {
    const { binding } = this.#backend;
    const given = outputNames([...this.#inputs, ...this.#kept, ...this.#slopes]);
    const handles = binding.runSavedModel(
      this.#model,
      [...inputs, ...kept, ...this.#backend.getInputTensorIds(slopes)],
      given,
      outputNames(this.#gradients),
    );
    for (const id of kept) binding.deleteTensor(id);
    return handles;
  }
  dispose(): void {
    this.#backend.binding.deleteSavedModel(this.#model);
  }
}

/**
 * Graphs by key and shape of x, the most recently used last; undefined where TensorFlow rejected
 * the graph.
 */
const graphs = new Map<string, Graph | undefined>();

function graphOf(
  key: string,
  x: tf.Tensor,
  variables: readonly tf.Variable[],
  f: () => readonly tf.Tensor[],
): Graph | undefined {
  const full = `${key} ${x.shape.join()}`;
  if (!graphs.has(full)) {
    try {
      graphs.set(full, new Graph(x, variables, f));
    } catch (error) {
      process.emitWarning(
        `this TensorFlow doesn't take ${full} as one graph, so its operations are run one by one, which takes about twice as long: ${(error as Error).message}`,
        { code: 'LENTIGO_GRAPH_REFUSED' },
      );
      graphs.set(full, undefined);
    }
  }
  const graph = graphs.get(full);
  graphs.delete(full);
  graphs.set(full, graph);
  if (graphs.size > MOST) {
    const [oldest, unused] = [...graphs][0]!;
    unused?.dispose();
    graphs.delete(oldest);
  }
  return graph;
}

const compile: Compiler = (key, x, variables, f) => {
  const graph = graphOf(key, x, variables, f);
  if (!graph) return f();
  const attributes: Attributes = {
    graph,
    differentiated: tf.engine().state.gradientDepth > 0,
    inputs: [],
    kept: [],
  };
  // Sorted by name, as the gradients are named.
  const inputs = Object.fromEntries([x, ...variables].map((tensor, i) => [`${i}`, tensor]));
  const outputs = tf
    .engine()
    .runKernel(KERNEL, inputs, attributes as unknown as tf.NamedAttrMap) as tf.Tensor | tf.Tensor[];
  return Array.isArray(outputs) ? outputs : [outputs];
};

/** Makes `compiled` work on tfjs-node's backend. */
export function registerNativeCompiler(): void {
  registerCompiler('tensorflow', compile);
  const run = ({
    inputs,
    attrs,
  }: {
    inputs: Readonly<Record<string, tf.TensorInfo>>;
    attrs: Attributes;
  }): tf.Tensor[] => {
    attrs.inputs = backend().getInputTensorIds(Object.values(inputs));
    const { outputs, kept } = attrs.graph.forward(attrs.inputs, attrs.differentiated);
    attrs.kept = kept;
    return outputs;
  };
  tf.registerKernel({
    kernelName: KERNEL,
    backendName: 'tensorflow',
    kernelFunc: run as unknown as tf.KernelFunc,
  });
}

tf.registerGradient({
  kernelName: KERNEL,
  gradFunc: (dy, _, attrs) => {
    const { graph, inputs, kept } = attrs as unknown as Attributes;
    let gradients: Handle[] | undefined;
    // Each gradient is requested within its own tidy, which would dispose of the others.
    const gradient = (i: number) => () =>
      backend().createOutputTensor(
        (gradients ??= graph.backward(inputs, kept, Array.isArray(dy) ? dy : [dy]))[i]!,
      );
    return Object.fromEntries(graph.trainable.map((place, i) => [`${place}`, gradient(i)]));
  },
});
