// Engines are tfjs backends: what they are called here, and what is known about each on this machine.

export type EngineName = 'native' | 'wasm' | 'cpu';

/** One line of `lentigo doctor`. */
export interface EngineReport {
  readonly name: EngineName;
  readonly available: boolean;
  readonly chosen: boolean;
  /** Why it is or isn't available, and why it is or isn't chosen. */
  readonly reason: string;
}
