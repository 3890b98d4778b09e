// Engines in Node: loads tfjs-node where it is there, else WASM, and makes one of them the tfjs backend.
import type { EngineName, EngineReport } from './engine.js';

export type { EngineName, EngineReport } from './engine.js';

/** Which engines work here, and which one is chosen and why. Never throws because one is missing. */
export async function surveyEngines(): Promise<EngineReport[]> {
  throw new Error('not built yet');
}

/** Prepares an engine and makes it the tfjs backend: `name`, else LENTIGO_ENGINE, else the fastest that works. @throws LENTIGO_ENGINE_UNAVAILABLE */
export async function useEngine(_name?: EngineName): Promise<EngineName> {
  throw new Error('not built yet');
}
