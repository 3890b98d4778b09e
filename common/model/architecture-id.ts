// The names that architectures are registered under: what a model file or a message may name.
import type { z } from 'zod';
import { Registry } from '../registry.js';
import type { Network } from './network.js';

/** Each as a function that lays its network out. The built-in ones come with architecture.ts. */
export const architectures = new Registry<() => Network>(
  'architecture',
  'LENTIGO_ARCHITECTURE_UNKNOWN',
);

/**
 * Makes an architecture known by a name; `layOut` is called once, when it is first needed.
 * @throws LENTIGO_EXTENSION_INVALID the name is malformed or another architecture's
 */
export const registerArchitecture = (name: string, layOut: () => Network): void =>
  architectures.register(name, layOut);

export const ArchitectureId = architectures.nameSchema();
export type ArchitectureId = z.infer<typeof ArchitectureId>;
