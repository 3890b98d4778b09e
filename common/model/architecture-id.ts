// The names of the architectures that a model file or a message may carry. nano and nano_convnext
// are for tests: the same building blocks, in tens of thousands of parameters.
import { z } from 'zod';

export const ArchitectureId = z.enum([
  'efficientnet_b0',
  'nano',
  'efficientnetv2_b0',
  'mobilenet_v2',
  'resnet50',
  'densenet169',
  'convnext_atto',
  'convnext_femto',
  'convnext_pico',
  'convnext_nano',
  'convnext_tiny',
  'nano_convnext',
]);
export type ArchitectureId = z.infer<typeof ArchitectureId>;
