// The names of the architectures that a model file or a message may carry.
import { z } from 'zod';

export const ArchitectureId = z.enum(['efficientnet_b0', 'nano']);
export type ArchitectureId = z.infer<typeof ArchitectureId>;
