// What the other side may learn of an error.
import { LentigoError } from '../../common/errors.js';

/** The error itself; in place of one that nobody foresaw, one that tells nothing of the inside. */
export const publicError = (error: LentigoError): LentigoError =>
  error.code === 'LENTIGO_INTERNAL'
    ? new LentigoError(
        'LENTIGO_INTERNAL',
        'The coordinator failed to answer this request; its log says why.',
      )
    : error;
