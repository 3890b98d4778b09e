// The module's exports. It has no memory, data or stack of its own; it works on tfjs's heap.
export { adam } from './adam';
export { channelAffine, channelSum } from './channels';
export { depthwiseFilterGradient, depthwiseInputGradient } from './depthwise';
export { patches, product, transposedProduct } from './matrix';
export { swish, swishGradient } from './swish';
