// The headless clinic: combines data, engine and home with a participant, until the study is over.
import { join } from 'node:path';
import { openDataset } from '../../common/dataset/open.node.js';
import { remarks } from '../../common/dataset/remarks.js';
import type { Dataset } from '../../common/dataset/sample.js';
import { useEngine, type EngineName } from '../../common/engine/engine.node.js';
import { LentigoError } from '../../common/errors.js';
import { lockDirectory } from '../../common/files/directory-lock.node.js';
import { processAgent } from '../../common/network/use-proxy.node.js';
import { FolderFeatureCache } from '../../common/training/feature-cache.node.js';
import { spareThreads } from '../../common/training/gradient-threads.node.js';
import { InputThread } from '../../common/training/input-thread.node.js';
import type { StudyStatus } from '../../common/protocol/round.js';
import { Participant } from '../participation/participant.js';
import type { Trainer } from '../participation/round.js';
import { createTrainer } from '../participation/train-round.js';
import type { AgentEvent } from './display.js';
import { openHome } from './home.js';
import { AgentPhotographs, describeUnusable, SHOWN } from './photographs.js';

export interface AgentOptions {
  readonly home: string;
  /** What --data names (a folder, or synthetic:…), or a dataset labelled in the study's words. */
  readonly data: string | Dataset;
  /**
   * Where the data's table gives no splits, this share of the patients (0 by default) is kept for
   * the clinic's own evaluation, and not trained on.
   */
  readonly evaluationShare?: number | undefined;
  readonly engine?: EngineName | undefined;
  readonly signal: AbortSignal;
  readonly onEvent: (event: AgentEvent) => void;
}

/**
 * Takes part until the study ends or the signal stops it. The data is read in the study's labels;
 * data and engine are checked before the coordinator is called.
 * @returns how it ended: the study's last status, or that the signal came first
 * @throws LENTIGO_HOME_INVALID, LENTIGO_DATA_…, LENTIGO_DATA_EMPTY, LENTIGO_USAGE, LENTIGO_ENGINE_UNAVAILABLE,
 *   LENTIGO_DATA_DIR_IN_USE, and what Participant.run throws
 */
export async function runAgent({
  home: folder,
  data,
  evaluationShare,
  engine,
  signal,
  onEvent,
}: AgentOptions): Promise<StudyStatus | 'interrupted'> {
  const { identity, enrolment, store, warnings } = await openHome(folder);
  const unlock = lockDirectory(folder);
  try {
    for (const message of warnings) onEvent({ event: 'warning', message });
    const dataset =
      typeof data === 'string'
        ? await openDataset(data, {
            labels: enrolment.labels,
            evaluationShare: evaluationShare ?? 0,
          })
        : data;
    if (evaluationShare !== undefined && dataset.splits !== 'drawn')
      throw new LentigoError(
        'LENTIGO_USAGE',
        `--evaluation-share: ${dataset.name} comes with its own splits; its train split is what is trained on`,
      );
    for (const message of remarks({ ...dataset, problems: [] }))
      onEvent({ event: 'warning', message });
    if (dataset.leftOut)
      onEvent({
        event: 'warning',
        message: `The study knows ${enrolment.labels.names.join(', ')}.`,
      });
    const samples = dataset.samples.filter(({ split }) => split === 'train');
    const photographs = await AgentPhotographs.check(dataset, store);
    const usable = photographs.summary.training.images;
    if (usable === 0)
      throw new LentigoError(
        'LENTIGO_DATA_EMPTY',
        [
          `${dataset.name} holds no usable image to train on.`,
          ...(photographs.summary.unusable > 0
            ? [describeUnusable(photographs.summary, SHOWN)]
            : []),
        ].join(' '),
      );
    onEvent({
      event: 'ready',
      data: dataset.name,
      images: usable,
      engine: await useEngine(engine),
      photographs: photographs.summary,
    });
    const trainer = createTrainer(
      samples,
      (start) => FolderFeatureCache.open(join(folder, 'features', start)),
      { threads: spareThreads, reader: new InputThread() },
    );
    const train: Trainer = async (job, options) => {
      const trained = await trainer(job, options);
      const found = await photographs.add(trained.leftOut);
      if (found.length > 0) onEvent({ event: 'unreadable', round: job.terms.round, found });
      return trained;
    };
    const notice = await new Participant({
      enrolment,
      identity,
      store,
      train,
      onEvent,
      agent: processAgent(enrolment.url),
    }).run(signal);
    const status = notice?.status ?? 'interrupted';
    onEvent({ event: 'done', status });
    return status;
  } finally {
    unlock();
  }
}
