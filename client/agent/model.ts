// Takes a model of the study out of a clinic's home: the best or the last one, with the held-out
// results that the coordinator recorded; fetched first if it isn't there.
import { readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LentigoError } from '../../common/errors.js';
import { processAgent } from '../../common/network/use-proxy.node.js';
import { lockDirectory } from '../../common/files/directory-lock.node.js';
import { trainableSpecs } from '../../common/model/architecture.js';
import { decodeModel, decodeParameters } from '../../common/model/encoding.js';
import { saveModel } from '../../common/model/folder.node.js';
import { dataAfter } from '../../common/model/provenance.js';
import type { Model } from '../../common/model/student.js';
import type { MadeModel, StudyModels } from '../../common/protocol/study-models.js';
import { VERSION } from '../../common/version.js';
import { Connection } from '../participation/connection.js';
import {
  askModels,
  fetchModels,
  isOver,
  keptModel,
  madeModel,
  toldModels,
  type Which,
} from '../participation/study-models.js';
import { type Home, openHome } from './home.js';

/** What was evaluated beside a model that was taken out. */
const RESULTS = 'results.json';

export interface TakenModel {
  readonly study: string;
  readonly studyName: string;
  readonly status: StudyModels['status'];
  readonly which: Which;
  readonly round: number;
  /** The metric by which validation chose the best round, and what it was there. */
  readonly select: StudyModels['select'];
  readonly validation: MadeModel['validation'];
  readonly heldout: MadeModel['heldout'];
  /** SHA-256 of the parameters that the study trained, by which the audit log names them. */
  readonly parameters: string;
  /** The new folder. */
  readonly out: string;
}

/**
 * Writes the model to a new folder, and beside it results.json.
 * @throws LENTIGO_USAGE when the folder holds anything; LENTIGO_STUDY_STATE when the study has no
 *   model yet; LENTIGO_HOME_INVALID; if it has to be fetched LENTIGO_DATA_DIR_IN_USE,
 *   LENTIGO_UNREACHABLE, LENTIGO_CLINIC_REVOKED, LENTIGO_CLINIC_NOT_APPROVED,
 *   LENTIGO_CHALLENGE_FAILED, LENTIGO_BLOB_CORRUPT
 */
export async function takeModel(folder: string, out: string, which: Which): Promise<TakenModel> {
  const home = await openHome(folder);
  const target = resolve(out);
  await requireEmpty(target);
  const { told, made, model } = (await kept(home, which)) ?? (await fetched(home, which));
  const { study, studyName } = home.enrolment;
  await saveModel(target, {
    ...model,
    // What a clinic knows; the coordinator's download names settings, data and audit chain, too.
    provenance: {
      kind: 'study',
      software: VERSION,
      made: new Date().toISOString(),
      chosen:
        which === 'best'
          ? `the best by validation (${told.select}), round ${made.round}`
          : `the last, round ${made.round}`,
      study: { id: study, name: studyName },
      round: made.round,
      start: told.start.sha256,
      settings: { trainFrom: told.trainFrom, select: told.select },
      data: dataAfter(model, []),
    },
  });
  const taken = {
    study,
    studyName,
    status: told.status,
    which,
    round: made.round,
    select: told.select,
    validation: made.validation,
    heldout: made.heldout,
    parameters: made.parameters.sha256,
  };
  await writeFile(join(target, RESULTS), `${JSON.stringify(taken, null, 2)}\n`);
  return { ...taken, out: target };
}

async function requireEmpty(target: string): Promise<void> {
  const present = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new LentigoError(
      'LENTIGO_USAGE',
      `A model can't be written to ${target}: ${error.message}`,
    );
  });
  if (present.length > 0)
    throw new LentigoError(
      'LENTIGO_USAGE',
      `${target} holds ${present[0]} already: give a new or empty folder.`,
    );
}

interface Found {
  readonly told: StudyModels;
  readonly made: MadeModel;
  readonly model: Model;
}

/** From the home alone, once the study is over. */
async function kept(home: Home, which: Which): Promise<Found | undefined> {
  const told = await toldModels(home);
  return told && isOver(told.status) ? await found(home, told, which) : undefined;
}

async function found(home: Home, told: StudyModels, which: Which): Promise<Found | undefined> {
  const made = madeModel(told, which);
  const bytes = made && (await keptModel(home.store, told, made));
  if (!bytes) return undefined;
  const start = decodeModel(bytes.start);
  const { architecture, labels, parameters } = start;
  const specs = trainableSpecs(architecture, labels.names.length, told.trainFrom);
  const trained = decodeParameters(bytes.parameters, specs);
  return { told, made, model: { ...start, parameters: parameters.with(trained) } };
}

async function fetched(home: Home, which: Which): Promise<Found> {
  const unlock = lockDirectory(home.folder);
  try {
    const told = await connected(home, async (connection) => {
      const signal = new AbortController().signal;
      const told = await askModels(connection, home, signal);
      await fetchModels(told, home, signal);
      return told;
    });
    const model = await found(home, told, which);
    if (model) return model;
    throw new LentigoError(
      'LENTIGO_STUDY_STATE',
      `The study "${home.enrolment.studyName}" has no model yet: none of its rounds has ended.`,
    );
  } finally {
    unlock();
  }
}

/** Does the work once both sides have proved their identity; fails where there is no connection. */
async function connected<T>(
  { enrolment, identity }: Home,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const nothing = () => undefined;
  let connection: Connection | undefined;
  try {
    const proven = new Promise<Connection>((resolve, reject) => {
      const opening = new Connection(
        enrolment,
        identity,
        {
          onProven: () => resolve(opening),
          onFailure: reject,
          messages: { round: nothing, 'round-over': nothing, study: nothing },
        },
        { agent: processAgent(enrolment.url) },
      );
      connection = opening;
      opening.open();
    });
    return await work(await proven);
  } finally {
    connection?.close();
  }
}
