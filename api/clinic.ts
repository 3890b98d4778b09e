// `lentigo/clinic`: a clinic as an object of a program, with the photographs where the program has
// them.
import { type AgentOptions, runAgent } from '../client/agent/run.js';
import { enrolHome, openHome } from '../client/agent/home.js';
import type { AgentEvent } from '../client/agent/display.js';
import type { Enrolment } from '../client/participation/enrolment.js';
import { type SentUpdate, sentUpdates } from '../client/participation/sent.js';
import { fingerprint } from '../common/crypto/identity.js';
import type { LabelSet } from '../common/model/labels.js';
import { parseInvitation } from '../common/protocol/enrolment.js';
import type { StudyStatus } from '../common/protocol/round.js';

export type { AgentEvent } from '../client/agent/display.js';
export type { ParticipationEvent, StepProgress } from '../client/participation/events.js';
export type { SentUpdate } from '../client/participation/sent.js';
export { type Invitation, parseInvitation } from '../common/protocol/enrolment.js';

export interface TakePartOptions extends Pick<AgentOptions, 'data' | 'evaluationShare' | 'engine'> {
  /** Stops the clinic; nothing is lost, and the next call carries on. */
  readonly signal?: AbortSignal;
  /** Hears what happens: connected, round, training, uploaded, receipt, … */
  readonly onEvent?: (event: AgentEvent) => void;
}

/**
 * A clinic enrolled in one study. Its home is a folder with its key, its enrolment, its journal and
 * the models it was sent; photographs are read where they lie.
 * @example
 * const clinic = await Clinic.enrol({ invitation, home: 'clinic-home', name: 'Clinic North' });
 * console.log(clinic.fingerprint); // for the telephone call in which it is approved
 * const status = await clinic.takePart({ data: '/data/photographs', onEvent: console.log });
 */
export class Clinic {
  /** Its folder. */
  readonly home: string;
  readonly #enrolment: Enrolment;

  private constructor(home: string, enrolment: Enrolment) {
    this.home = home;
    this.#enrolment = enrolment;
  }

  /**
   * Makes a key, in `home`, and uses up the invitation. Safe to repeat on the same home.
   * @throws LENTIGO_INVITATION_INVALID, LENTIGO_INVITATION_USED, LENTIGO_INVITATION_EXPIRED,
   *   LENTIGO_INVITATION_OTHER_STUDY, LENTIGO_UNREACHABLE, LENTIGO_TLS, LENTIGO_DATA_DIR_IN_USE
   */
  static async enrol({
    invitation,
    home,
    name,
  }: {
    /** The word that the study coordinator sent. */
    readonly invitation: string;
    /** The clinic's folder; made where there is none. */
    readonly home: string;
    /** What the study coordinator calls this clinic. */
    readonly name: string;
  }): Promise<Clinic> {
    const { enrolment } = await enrolHome(parseInvitation(invitation), home, name);
    return new Clinic(home, enrolment);
  }

  /** A clinic that was enrolled before. @throws LENTIGO_HOME_INVALID */
  static async open(home: string): Promise<Clinic> {
    return new Clinic(home, (await openHome(home)).enrolment);
  }

  /** The SHA-256 of its public key, by which the coordinator knows it. */
  get id(): string {
    return this.#enrolment.clinic;
  }
  /** The id in a form that can be read out on the telephone. */
  get fingerprint(): string {
    return fingerprint(this.id);
  }
  get name(): string {
    return this.#enrolment.name;
  }
  get study(): { readonly id: string; readonly name: string; readonly url: string } {
    const { study, studyName, url } = this.#enrolment;
    return { id: study, name: studyName, url };
  }
  /** What the study's model tells apart; samples are labelled in these words. */
  get labels(): LabelSet {
    return this.#enrolment.labels;
  }

  /**
   * Takes part in every round until the study is over or the signal stops it; waits for approval,
   * and for the coordinator where it can't be reached.
   * @returns how it ended
   * @throws LENTIGO_DATA_EMPTY, LENTIGO_ENGINE_UNAVAILABLE, LENTIGO_DATA_DIR_IN_USE,
   *   LENTIGO_CLINIC_REVOKED, LENTIGO_CHALLENGE_FAILED, LENTIGO_STUDY_UNKNOWN,
   *   LENTIGO_PROTOCOL_VERSION
   */
  async takePart({
    data,
    evaluationShare,
    engine,
    signal = new AbortController().signal,
    onEvent = () => undefined,
  }: TakePartOptions): Promise<StudyStatus | 'interrupted'> {
    return await runAgent({
      home: this.home,
      data,
      evaluationShare,
      engine,
      signal,
      onEvent,
    });
  }

  /** Every update that the coordinator has taken, by round, with its hash. */
  async sent(): Promise<SentUpdate[]> {
    const { store, enrolment } = await openHome(this.home);
    return await sentUpdates(store, enrolment);
  }
}
