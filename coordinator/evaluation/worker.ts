// The evaluation thread: inference off the event loop, one job at a time.
import { type ProxyMarked, releaseProxy, type Remote } from 'comlink';
import { type EngineName, useEngine } from '../../common/engine/engine.node.js';
import { serve } from '../../common/workers/serve.node.js';
import { type Evaluation, EvaluationSession, type EvaluationJob } from './job.js';

const session = new EvaluationSession();

const service = {
  async evaluate(
    engine: EngineName | undefined,
    job: EvaluationJob,
    onProgress: ((fraction: number) => void) & ProxyMarked,
  ): Promise<Evaluation> {
    const progress = onProgress as unknown as Remote<(fraction: number) => void>;
    let heard: Promise<void> = Promise.resolve();
    try {
      await useEngine(engine);
      return await session.run(job, (fraction) => (heard = progress(fraction)));
    } finally {
      // Progress has a channel of its own: its last word arrives before the result.
      await heard;
      progress[releaseProxy]();
    }
  },
};
export type EvaluationService = typeof service;

serve(service, { oneAtATime: true });
