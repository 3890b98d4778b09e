// The state of the unlocked app: the encrypted store, the photographs, and the clinic's identity.
import type { Identity } from '../../../common/crypto/identity.js';
import { type LabelSet, PAD_UFES_LABELS } from '../../../common/model/labels.js';
import type { Invitation } from '../../../common/protocol/enrolment.js';
import type { Enrolment } from '../../participation/enrolment.js';
import { enrolStore, readHome } from '../../participation/home.js';
import type { Store } from '../../participation/store.js';
import { Collection } from '../photographs/collection.js';

const HERE = 'this browser';

export interface Clinic {
  readonly identity: Identity;
  readonly enrolment: Enrolment;
}

export class Session {
  readonly store: Store;
  readonly collection: Collection;
  readonly clinic: Clinic | undefined;
  private constructor(store: Store, clinic: Clinic | undefined) {
    this.store = store;
    this.collection = new Collection(store);
    this.clinic = clinic;
  }

  /** The diagnoses offered for photographs: the study's, or PAD-UFES-20's before enrolment. */
  get labels(): LabelSet {
    return this.clinic?.enrolment.labels ?? PAD_UFES_LABELS;
  }

  /**
   * Opens the session.
   * @throws LENTIGO_HOME_INVALID, LENTIGO_VAULT_DAMAGED
   */
  static async open(store: Store): Promise<Session> {
    const enrolled = (await store.list('')).includes('enrolment.json');
    return new Session(store, enrolled ? await readHome(store, HERE) : undefined);
  }

  /**
   * Creates the identity in this browser and registers it with the study.
   * @throws what `enrolStore` throws
   */
  async enrol(invitation: Invitation, name: string): Promise<Session> {
    await enrolStore(this.store, invitation, name, HERE);
    return await Session.open(this.store);
  }
}
