// The built-in architectures. To add one, add a file beside this one and a line here.
import { registerArchitecture } from '../architecture-id.js';
import {
  convnextAtto,
  convnextFemto,
  convnextNano,
  convnextPico,
  convnextTiny,
} from './convnext.js';
import { densenet169 } from './densenet.js';
import { efficientnetB0 } from './efficientnet.js';
import { efficientnetV2B0 } from './efficientnetv2.js';
import { mobilenetV2 } from './mobilenet-v2.js';
import { resnet50 } from './resnet.js';
import { nano, nanoConvnext } from './trial.js';

registerArchitecture('efficientnet_b0', efficientnetB0);
registerArchitecture('efficientnetv2_b0', efficientnetV2B0);
registerArchitecture('mobilenet_v2', mobilenetV2);
registerArchitecture('resnet50', resnet50);
registerArchitecture('densenet169', densenet169);
registerArchitecture('convnext_atto', convnextAtto);
registerArchitecture('convnext_femto', convnextFemto);
registerArchitecture('convnext_pico', convnextPico);
registerArchitecture('convnext_nano', convnextNano);
registerArchitecture('convnext_tiny', convnextTiny);
// For trials and for tests, including those in browsers: see trial.ts.
registerArchitecture('nano', nano);
registerArchitecture('nano_convnext', nanoConvnext);
