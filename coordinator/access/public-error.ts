// What the other side may learn about an error.
import { LentigoError } from '../../common/errors.js';

/** The error itself; an unexpected one is replaced by one that reveals no internals. */
export const publicError = (error: LentigoError): LentigoError =>
  error.code === 'LENTIGO_INTERNAL'
    ? new LentigoError(
        'LENTIGO_INTERNAL',
        'The coordinator failed to answer this request; its log says why.',
      )
    : error;
