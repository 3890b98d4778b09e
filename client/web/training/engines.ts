// The engines of this app, with the bundler's addresses of the WASM modules.
import plain from '../../../node_modules/@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simd from '../../../node_modules/@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import { webEngines } from '../../../common/engine/engine.web.js';

export const { surveyEngines, useEngine } = webEngines({ plain, simd });
