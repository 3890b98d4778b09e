// Every error Lentigo can report: one class, and one list of stable codes with what each means and
// how to resolve it.

/**
 * exit: the CLI's exit code (2 bad input, 3 refused, 4 cannot reach, 5 the machine or its storage,
 * 1 anything else); http: the status an HTTP answer carries; remedy: what the reader can do.
 */
interface ErrorKind {
  readonly exit: 1 | 2 | 3 | 4 | 5;
  readonly http: number;
  readonly remedy: string;
}

export const ERRORS = {
  LENTIGO_INTERNAL: {
    exit: 1,
    http: 500,
    remedy: 'This is a bug: report it with the log lines around it.',
  },
  LENTIGO_USAGE: {
    exit: 2,
    http: 400,
    remedy: 'See `lentigo --help` for the options of each command.',
  },

  LENTIGO_EXTENSION_INVALID: {
    exit: 2,
    http: 400,
    remedy:
      'Give --extension (or LENTIGO_EXTENSIONS) a module that imports without error and registers names that nothing else has.',
  },

  // engines and models
  LENTIGO_ENGINE_UNAVAILABLE: {
    exit: 5,
    http: 500,
    remedy: 'Run `lentigo doctor` to see which engines work here, or leave the choice to Lentigo.',
  },
  LENTIGO_ENGINE_BUILD: {
    exit: 5,
    http: 500,
    remedy:
      'Building it takes the network, Python 3 with pip, and a C++ compiler (Debian: apt install g++ python3-pip). Without it Lentigo computes on WASM.',
  },
  LENTIGO_MODEL_INVALID: {
    exit: 2,
    http: 400,
    remedy:
      'Give a folder written by `lentigo weights import` or a study, with model.json and all its shards.',
  },
  LENTIGO_ARCHITECTURE_UNKNOWN: {
    exit: 2,
    http: 400,
    remedy: 'Name one of the architectures listed, or load the extension that registers it.',
  },
  LENTIGO_WEIGHTS_INVALID: {
    exit: 2,
    http: 400,
    remedy:
      'Give a complete safetensors file of the named architecture, with the parameter names of torchvision, timm or (EfficientNetV2) Keras.',
  },

  // data
  LENTIGO_DATASET_UNKNOWN: {
    exit: 2,
    http: 400,
    remedy: 'Give a folder or one of the forms listed, or load the extension that registers it.',
  },
  LENTIGO_DATA_NO_METADATA: {
    exit: 2,
    http: 400,
    remedy:
      'Give the folder that holds the table, as the archive is published: PAD-UFES-20 (metadata.csv), HAM10000, ISIC 2024, MIDAS, or one of an extension.',
  },
  LENTIGO_DATA_METADATA_INVALID: {
    exit: 2,
    http: 400,
    remedy: 'Correct the named row or column of the table.',
  },
  LENTIGO_DATA_UNKNOWN_DIAGNOSIS: {
    exit: 2,
    http: 400,
    remedy:
      'Use one of the labels of the model (by default ACK, BCC, MEL, NEV, SCC, SEK), or an archive whose diagnoses have a word among them.',
  },
  LENTIGO_DATA_IMAGE_MISSING: {
    exit: 2,
    http: 400,
    remedy: 'Put the image beside the others, or remove its row from the table.',
  },
  LENTIGO_DATA_IMAGE_UNREADABLE: {
    exit: 2,
    http: 400,
    remedy: 'Replace the image by an intact JPEG or PNG, or remove its row from the table.',
  },
  LENTIGO_DATA_SPLIT_LEAK: {
    exit: 2,
    http: 400,
    remedy:
      'Give every patient one split: the same person on both sides makes the evaluation worthless.',
  },
  LENTIGO_DATA_EMPTY: {
    exit: 2,
    http: 400,
    remedy: 'Give data that has usable samples in the split that is needed.',
  },

  // studies and rounds
  LENTIGO_STUDY_INVALID: { exit: 2, http: 400, remedy: 'Correct the named field of study.yaml.' },
  LENTIGO_STRATEGY_UNKNOWN: {
    exit: 2,
    http: 400,
    remedy:
      'Use one of the named strategies, or load the module that registers this one with --extension.',
  },
  LENTIGO_STUDY_CHANGED: {
    exit: 3,
    http: 409,
    remedy: 'Another process changed the study meanwhile: run one coordinator on a database.',
  },
  LENTIGO_STUDY_UNKNOWN: {
    exit: 2,
    http: 404,
    remedy: 'Run `lentigo study list` to see the studies of this coordinator.',
  },
  LENTIGO_STUDY_STATE: {
    exit: 3,
    http: 409,
    remedy: 'Run `lentigo study show ID` to see the state of the study and what it allows.',
  },
  LENTIGO_SIMULATION_INVALID: {
    exit: 2,
    http: 400,
    remedy: 'Correct the named field of simulation.yaml, or the flag that sets it.',
  },
  LENTIGO_SIMULATION_OTHER: {
    exit: 2,
    http: 409,
    remedy: 'Give the settings that it began with to carry on, or another --out for these.',
  },
  LENTIGO_DISTILLATION_OTHER: {
    exit: 2,
    http: 409,
    remedy: 'Give the settings that it began with to carry on, or another --out for these.',
  },
  LENTIGO_ROUND_UNKNOWN: {
    exit: 3,
    http: 404,
    remedy: 'Reconnect: the coordinator announces the current round again.',
  },

  // enrolment and identity
  LENTIGO_INVITATION_INVALID: {
    exit: 3,
    http: 400,
    remedy: 'Copy the whole invitation as the coordinator sent it.',
  },
  LENTIGO_INVITATION_USED: {
    exit: 3,
    http: 409,
    remedy: 'Ask the study coordinator for a new invitation: each enrols one clinic.',
  },
  LENTIGO_INVITATION_EXPIRED: {
    exit: 3,
    http: 410,
    remedy: 'Ask the study coordinator for a new invitation.',
  },
  LENTIGO_INVITATION_OTHER_STUDY: {
    exit: 3,
    http: 409,
    remedy: 'Enrol with an invitation of this study, or use another --home for the other study.',
  },
  LENTIGO_CLINIC_UNKNOWN: {
    exit: 3,
    http: 404,
    remedy: 'Enrol first with `lentigo clinic enrol INVITE --home DIR`.',
  },
  LENTIGO_CLINIC_NOT_APPROVED: {
    exit: 3,
    http: 403,
    remedy:
      'The study coordinator approves a clinic after comparing its fingerprint by telephone: `lentigo study approve ID CLINIC`.',
  },
  LENTIGO_CLINIC_REVOKED: {
    exit: 3,
    http: 403,
    remedy: 'The study coordinator withdrew this clinic; speak with them.',
  },
  LENTIGO_CHALLENGE_FAILED: {
    exit: 3,
    http: 401,
    remedy:
      'The other side did not prove the identity that was pinned at enrolment. Check the address; if it is right, speak with the other side before you go on.',
  },
  LENTIGO_PROTOCOL_VERSION: {
    exit: 3,
    http: 426,
    remedy: 'Install the same Lentigo release on both sides.',
  },
  LENTIGO_HOME_INVALID: {
    exit: 2,
    http: 400,
    remedy: 'Give the --home folder that `lentigo clinic enrol` wrote.',
  },
  LENTIGO_ADMIN_TOKEN: {
    exit: 3,
    http: 401,
    remedy:
      'Give the token that the coordinator wrote to admin-token in its data directory: --token or LENTIGO_TOKEN.',
  },
  LENTIGO_RATE_LIMITED: {
    exit: 3,
    http: 429,
    remedy:
      'Wait as long as the message says, at most a minute, and try again; an agent does so by itself.',
  },

  // the clinic's app
  LENTIGO_PASSPHRASE_WRONG: {
    exit: 3,
    http: 401,
    remedy:
      'Type the passphrase again, with attention to capitals. Nobody can recover it; without it, only deleting everything in this browser lets you start anew.',
  },
  LENTIGO_VAULT_DAMAGED: {
    exit: 5,
    http: 500,
    remedy:
      'Part of what this browser stored is damaged: restore it from an export, or delete everything in this browser and enrol again with a new invitation.',
  },

  // messages and updates
  LENTIGO_MESSAGE_INVALID: {
    exit: 3,
    http: 400,
    remedy: 'The message does not follow the protocol: use the same Lentigo release on both sides.',
  },
  LENTIGO_UPDATE_MALFORMED: {
    exit: 3,
    http: 400,
    remedy: 'The update is not a Lentigo envelope or was cut short: send it again.',
  },
  LENTIGO_UPDATE_SIGNATURE: {
    exit: 3,
    http: 400,
    remedy: 'The update was altered on its way or signed by another key: send it again.',
  },
  LENTIGO_UPDATE_ALTERED: {
    exit: 3,
    http: 400,
    remedy: 'The encrypted update does not open: it was altered, or sealed for another round key.',
  },
  LENTIGO_UPDATE_OTHER_BASE: {
    exit: 3,
    http: 409,
    remedy:
      'The update was trained from another model than the one announced: train again from the announced model.',
  },
  LENTIGO_UPDATE_OTHER_ROUND: {
    exit: 3,
    http: 409,
    remedy: 'The update belongs to another study, round or attempt.',
  },
  LENTIGO_UPDATE_CONFLICT: {
    exit: 3,
    http: 409,
    remedy:
      'A different update of this clinic was already accepted in this round; each clinic sends one.',
  },
  LENTIGO_UPDATE_LATE: {
    exit: 3,
    http: 409,
    remedy:
      'The round closed before the update arrived; the clinic takes part in the next one by itself.',
  },
  LENTIGO_UPDATE_NOT_FINITE: {
    exit: 3,
    http: 400,
    remedy:
      'The update holds NaN or infinity: training diverged. Lower the learning rate of the study.',
  },
  LENTIGO_ENCODING_UNKNOWN: {
    exit: 3,
    http: 400,
    remedy:
      'Name one of the encodings listed, or load the extension that registers it on both sides.',
  },
  LENTIGO_UPDATE_LENGTH: {
    exit: 3,
    http: 400,
    remedy: 'The update has another length than the trainable parameters of the study.',
  },
  LENTIGO_UPDATE_NORM: {
    exit: 3,
    http: 400,
    remedy:
      'The norm of the update is beyond the bound of the study: check the learning rate and the data of this clinic.',
  },
  LENTIGO_UPDATE_SAMPLES: {
    exit: 3,
    http: 400,
    remedy: 'The sample count is outside the bounds of the study.',
  },
  LENTIGO_UPLOAD_INVALID: {
    exit: 3,
    http: 400,
    remedy:
      'The upload does not follow tus 1.0 (https://tus.io), or does not fit what the coordinator holds of it: ask for a new ticket and send it again.',
  },
  LENTIGO_UPLOAD_TICKET: {
    exit: 3,
    http: 403,
    remedy: 'Ask for a new upload ticket: this one expired or belongs to another clinic or round.',
  },

  // network and storage
  LENTIGO_UNREACHABLE: {
    exit: 4,
    http: 502,
    remedy: 'Check the address, the network and that the coordinator is running.',
  },
  LENTIGO_TLS: {
    exit: 4,
    http: 502,
    remedy:
      'Give the certificate authority of the coordinator with NODE_EXTRA_CA_CERTS, or correct --tls-cert and --tls-key.',
  },
  LENTIGO_INSECURE: {
    exit: 2,
    http: 400,
    remedy:
      'Give --tls-cert and --tls-key, put a TLS proxy in front and bind loopback, or, in a network you trust entirely, --insecure.',
  },
  LENTIGO_PORT_TAKEN: {
    exit: 5,
    http: 500,
    remedy: 'Stop the program that listens there, or choose another --port.',
  },
  LENTIGO_ROUTE_UNKNOWN: {
    exit: 3,
    http: 404,
    remedy: 'Check method and path, and that both sides run the same Lentigo release.',
  },
  LENTIGO_BLOB_UNKNOWN: {
    exit: 3,
    http: 404,
    remedy: 'The coordinator holds no such blob: join the study again.',
  },
  LENTIGO_BLOB_CORRUPT: {
    exit: 5,
    http: 500,
    remedy: 'The bytes do not match their hash: check the disk, or download again.',
  },
  LENTIGO_DATA_DIR_IN_USE: {
    exit: 5,
    http: 500,
    remedy: 'Another Lentigo process uses this directory: stop it, or choose another directory.',
  },
  LENTIGO_DATA_DIR_NEWER: {
    exit: 5,
    http: 500,
    remedy: 'A newer Lentigo wrote this data directory: install that release or a later one.',
  },
  LENTIGO_DATABASE: {
    exit: 5,
    http: 500,
    remedy: 'Check DATABASE_URL and that PostgreSQL accepts connections.',
  },
  LENTIGO_DISK_FULL: {
    exit: 5,
    http: 507,
    remedy:
      'Free space on the disk that holds the data directory; nothing that was acknowledged is lost.',
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

/**
 * What an error looks like on the wire: the same fields in an HTTP body and in a socket.io
 * acknowledgement.
 */
export interface ErrorBody {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string;
}

/**
 * An error with a stable code. `message` says what happened and where; the code's remedy says how
 * to resolve it.
 */
export class LentigoError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'LentigoError';
    this.code = code;
  }
  get remedy(): string {
    return ERRORS[this.code].remedy;
  }
  get exitCode(): number {
    return ERRORS[this.code].exit;
  }
  get httpStatus(): number {
    return ERRORS[this.code].http;
  }
  body(): ErrorBody {
    return { code: this.code, message: this.message, remedy: this.remedy };
  }
}

/**
 * Any thrown value as a LentigoError: ours unchanged, everything else LENTIGO_INTERNAL with the
 * original as cause.
 */
export function asLentigoError(thrown: unknown): LentigoError {
  if (thrown instanceof LentigoError) return thrown;
  return new LentigoError(
    'LENTIGO_INTERNAL',
    thrown instanceof Error ? thrown.message : String(thrown),
    { cause: thrown },
  );
}
