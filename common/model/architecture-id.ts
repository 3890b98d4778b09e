// The registry of architectures by name: the names that a model file or a message may use.
import type { z } from 'zod';
import { Registry } from '../registry.js';
import type { Network } from './network.js';

/**
 * Each architecture is a function that returns its network. architecture.ts registers the built-in
 * ones.
 */
export const architectures = new Registry<() => Network>(
  'architecture',
  'LENTIGO_ARCHITECTURE_UNKNOWN',
);

/**
 * Registers an architecture; `layOut` is called once, when it is first needed.
 * @throws LENTIGO_EXTENSION_INVALID when the name is malformed, or another architecture has it
 */
export const registerArchitecture = (name: string, layOut: () => Network): void =>
  architectures.register(name, layOut);

export const ArchitectureId = architectures.nameSchema();
export type ArchitectureId = z.infer<typeof ArchitectureId>;
