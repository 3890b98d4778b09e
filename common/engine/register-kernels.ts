// Shared by our kernels of several engines: how tfjs calls a kernel, and how to register one.
import * as tf from '@tensorflow/tfjs';

/** One call of a kernel on backend `B`. */
export interface Call<B> {
  readonly inputs: Readonly<Record<string, tf.TensorInfo>>;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly backend: B;
}
export type Kernel<B, Out = tf.TensorInfo> = (call: Call<B>) => Out;

/** The kernel that a backend has registered under this name. */
export const kernelOf = <B>(name: string, backend: string): Kernel<B> =>
  tf.getKernel(name, backend).kernelFunc as unknown as Kernel<B>;

/** Registers kernels on a backend, replacing those with the same names. */
export function registerKernels<B>(
  backendName: string,
  kernels: Readonly<Record<string, Kernel<B, tf.TensorInfo | tf.TensorInfo[]>>>,
): void {
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    if (tf.getKernel(kernelName, backendName)) tf.unregisterKernel(kernelName, backendName);
    tf.registerKernel({ kernelName, backendName, kernelFunc: kernel as unknown as tf.KernelFunc });
  }
}

export type ConvInfo = ReturnType<typeof tf.backend_util.computeConv2DInfo>;

/**
 * Whether a convolution is a matrix product: 1 × 1, with one output position for each input
 * position.
 */
export const isPointwise = (i: ConvInfo): boolean =>
  i.filterHeight === 1 &&
  i.filterWidth === 1 &&
  i.strideHeight === 1 &&
  i.strideWidth === 1 &&
  i.outHeight === i.inHeight &&
  i.outWidth === i.inWidth;
