// Every error Lentigo can report: one class, and one list of stable codes with what each means and
// how to resolve it.

/**
 * exit: the CLI's exit code (2 bad input, 3 refused, 4 cannot reach, 5 the machine or its storage,
 * 1 anything else); http: the status an HTTP answer carries; means: what happened, in one sentence;
 * remedy: what the reader can do. docs/reference/errors.md is made from it.
 */
interface ErrorKind {
  readonly exit: 1 | 2 | 3 | 4 | 5;
  readonly http: number;
  readonly means: string;
  readonly remedy: string;
}

export const ERRORS = {
  LENTIGO_INTERNAL: {
    exit: 1,
    http: 500,
    means: 'Something happened that Lentigo did not expect.',
    remedy: 'This is a bug: report it with the log lines around it.',
  },
  LENTIGO_USAGE: {
    exit: 2,
    http: 400,
    means:
      'The command line, or an argument that a program gave, asks for something that cannot be done.',
    remedy: 'See `lentigo --help` for the options of each command.',
  },
  LENTIGO_PATH: {
    exit: 2,
    http: 400,
    means:
      'A path leads to nothing, to a file where a folder is needed (or the reverse), or to what this user may not read or write.',
    remedy:
      'Give another path, or make the named one usable: it must be readable, and writable where something is kept.',
  },

  LENTIGO_EXTENSION_INVALID: {
    exit: 2,
    http: 400,
    means:
      'A module of extensions cannot be imported, or registers a name that is malformed or taken.',
    remedy:
      'Give --extension (or LENTIGO_EXTENSIONS) a module that imports without error and registers names that nothing else has.',
  },

  // engines and models
  LENTIGO_ENGINE_UNAVAILABLE: {
    exit: 5,
    http: 500,
    means:
      'There is no engine of that name, it does not work on this machine, or none works at all.',
    remedy: 'Run `lentigo doctor` to see which engines work here, or leave the choice to Lentigo.',
  },
  LENTIGO_ENGINE_BUILD: {
    exit: 5,
    http: 500,
    means: '`lentigo engine build` could not give this machine the native engine.',
    remedy:
      'Building it takes the network, Python 3 with pip, and a C++ compiler (Debian: apt install g++ python3-pip). Without it Lentigo computes on WASM.',
  },
  LENTIGO_MODEL_INVALID: {
    exit: 2,
    http: 400,
    means: 'The folder, or the bytes, are no complete model that can be used.',
    remedy:
      'Give a folder written by `lentigo weights import` or a study, with model.safetensors, or model.json and all its shards.',
  },
  LENTIGO_ARCHITECTURE_UNKNOWN: {
    exit: 2,
    http: 400,
    means: 'No architecture of that name is registered.',
    remedy: 'Name one of the architectures listed, or load the extension that registers it.',
  },
  LENTIGO_WEIGHTS_INVALID: {
    exit: 2,
    http: 400,
    means:
      'The weights are damaged, of another format, hold NaN, infinity or a negative variance, or their names or shapes are not those of the architecture.',
    remedy:
      'Give a complete safetensors file of the named architecture, with the parameter names of torchvision, timm or Keras. docs/models.md says where to get one, and how a .pth or .h5 file becomes one.',
  },

  // data
  LENTIGO_DATASET_UNKNOWN: {
    exit: 2,
    http: 400,
    means: 'No data set of that name is registered.',
    remedy: 'Give a folder or one of the forms listed, or load the extension that registers it.',
  },
  LENTIGO_DATA_NO_METADATA: {
    exit: 2,
    http: 400,
    means: 'The folder has no table of photographs, and no folder that is called by a diagnosis.',
    remedy:
      'Give the folder that holds the table: a CSV with the columns file, diagnosis and patient, or the table of an archive as it is published (PAD-UFES-20, HAM10000, ISIC 2024, MIDAS, or one of an extension). Or put the photographs into one folder for each diagnosis.',
  },
  LENTIGO_DATA_METADATA_INVALID: {
    exit: 2,
    http: 400,
    means:
      'The table lacks a column, or a row of it cannot be read, or a column or an image stands in it twice.',
    remedy:
      'Correct the row or column that is named; fill a table that is empty; of several tables, leave the one that is meant in the folder.',
  },
  LENTIGO_DATA_UNKNOWN_DIAGNOSIS: {
    exit: 2,
    http: 400,
    means: 'No diagnosis of the data is one that the model knows.',
    remedy:
      'Use the labels of the model (by default ACK, BCC, MEL, NEV, SCC, SEK), the English names of the diagnoses, or an archive whose diagnoses have a word among them.',
  },
  LENTIGO_DATA_IMAGE_MISSING: {
    exit: 2,
    http: 400,
    means: 'The table names an image that is not in the folder.',
    remedy: 'Put the image beside the others, or remove its row from the table.',
  },
  LENTIGO_DATA_IMAGE_AMBIGUOUS: {
    exit: 2,
    http: 400,
    means:
      'Several different files in the folder could be the image that a row of the table names.',
    remedy:
      "Write the image's folder and extension into the table (photos/IMG_1.jpg), or move the files that are not meant (masks, thumbnails) out of the folder.",
  },
  LENTIGO_DATA_IMAGE_UNREADABLE: {
    exit: 2,
    http: 400,
    means: 'An image is empty, damaged, may not be read, or is no picture.',
    remedy:
      'Replace the image by an intact one, or leave it out: where a table names it, with its row.',
  },
  LENTIGO_DATA_IMAGE_FORMAT: {
    exit: 2,
    http: 400,
    means: 'A file is a picture or document of a format that is not read.',
    remedy:
      'Export it as JPEG or PNG; JPEG, PNG, WebP, AVIF and HEIC are read, whatever their extension.',
  },
  LENTIGO_DATA_IMAGE_TOO_LARGE: {
    exit: 2,
    http: 400,
    means: 'An image has more pixels than any phone takes; it is refused before it is decoded.',
    remedy: 'Save it with fewer pixels: 224 of the lesion are enough.',
  },
  LENTIGO_DATA_SPLIT_LEAK: {
    exit: 2,
    http: 400,
    means: 'The table puts one patient into two splits.',
    remedy:
      'Give every patient one split: the same person on both sides makes the evaluation worthless.',
  },
  LENTIGO_METRIC_UNDEFINED: {
    exit: 2,
    http: 400,
    means:
      'The validation images do not define the metric that chooses the best model, such as an AUC of malignant against benign without a malignant image.',
    remedy:
      'Choose another metric (evaluation.select of study.yaml, select of simulation.yaml), or give data whose validation split has the images that are missing.',
  },
  LENTIGO_DATA_EMPTY: {
    exit: 2,
    http: 400,
    means: 'No image is left in the split that is needed.',
    remedy: 'Give data that has usable samples in the split that is needed.',
  },

  // studies and rounds
  LENTIGO_STUDY_INVALID: {
    exit: 2,
    http: 400,
    means: 'study.yaml cannot be read, or a field of it, or a change to it, is not what it may be.',
    remedy:
      'Correct what is named: the field of study.yaml, or the option of `lentigo study change`.',
  },
  LENTIGO_STRATEGY_UNKNOWN: {
    exit: 2,
    http: 400,
    means: 'No strategy of that name is registered.',
    remedy:
      'Use one of the named strategies, or load the module that registers this one with --extension.',
  },
  LENTIGO_STRATEGY_FAILED: {
    exit: 3,
    http: 500,
    means: 'A strategy threw an error, or gave back what can not be parameters.',
    remedy: 'Correct the strategy, restart with the corrected module, and resume the study.',
  },
  LENTIGO_STUDY_CHANGED: {
    exit: 3,
    http: 409,
    means: 'The study changed between reading its state and writing the next one.',
    remedy: 'Another process changed the study meanwhile: run one coordinator on a database.',
  },
  LENTIGO_STUDY_UNKNOWN: {
    exit: 2,
    http: 404,
    means: 'The coordinator has no study of that ID.',
    remedy: 'Run `lentigo study list` to see the studies of this coordinator.',
  },
  LENTIGO_STUDY_STATE: {
    exit: 3,
    http: 409,
    means: 'The study is in a state in which this cannot be done.',
    remedy: 'Run `lentigo study show ID` to see the state of the study and what it allows.',
  },
  LENTIGO_SIMULATION_INVALID: {
    exit: 2,
    http: 400,
    means: 'simulation.yaml cannot be read, or a setting is not what it may be.',
    remedy: 'Correct the named field of simulation.yaml, or the flag that sets it.',
  },
  LENTIGO_SIMULATION_OTHER: {
    exit: 2,
    http: 409,
    means: 'The folder holds a simulation that began with other settings.',
    remedy: 'Give the settings that it began with to carry on, or another --out for these.',
  },
  LENTIGO_DISTILLATION_OTHER: {
    exit: 2,
    http: 409,
    means: 'The folder holds a distillation that began with other settings.',
    remedy: 'Give the settings that it began with to carry on, or another --out for these.',
  },
  LENTIGO_ROUND_UNKNOWN: {
    exit: 3,
    http: 404,
    means: 'The study has no such round, or the round is no longer this one.',
    remedy: 'Reconnect: the coordinator announces the current round again.',
  },

  // enrolment and identity
  LENTIGO_INVITATION_INVALID: {
    exit: 3,
    http: 400,
    means: 'The text is no whole invitation, or the coordinator issued none like it.',
    remedy: 'Copy the whole invitation as the coordinator sent it.',
  },
  LENTIGO_INVITATION_USED: {
    exit: 3,
    http: 409,
    means: 'Another clinic enrolled with this invitation.',
    remedy: 'Ask the study coordinator for a new invitation: each enrols one clinic.',
  },
  LENTIGO_INVITATION_EXPIRED: {
    exit: 3,
    http: 410,
    means: 'The invitation is past the date that it carries.',
    remedy: 'Ask the study coordinator for a new invitation.',
  },
  LENTIGO_INVITATION_OTHER_STUDY: {
    exit: 3,
    http: 409,
    means: 'The invitation is for another study than the one it was given for.',
    remedy: 'Enrol with an invitation of this study, or use another --home for the other study.',
  },
  LENTIGO_CLINIC_UNKNOWN: {
    exit: 3,
    http: 404,
    means: 'The study has no clinic of that ID.',
    remedy:
      'Study coordinator: `lentigo study show ID` lists the clinics that have enrolled, by name and fingerprint. Clinic: enrol first, `lentigo clinic enrol INVITATION --home DIR`.',
  },
  LENTIGO_CLINIC_NOT_APPROVED: {
    exit: 3,
    http: 403,
    means: 'The clinic is enrolled, and waits for the study coordinator.',
    remedy:
      'The study coordinator approves a clinic after comparing its fingerprint by telephone: `lentigo study approve ID CLINIC`.',
  },
  LENTIGO_CLINIC_REVOKED: {
    exit: 3,
    http: 403,
    means: 'The study coordinator withdrew the clinic from the study.',
    remedy:
      'Speak with the study coordinator, who alone can let this clinic in again (`lentigo study approve ID CLINIC`). Nothing in its home is lost.',
  },
  LENTIGO_CLINIC_ELSEWHERE: {
    exit: 3,
    http: 409,
    means: 'Another machine connected with the identity of this clinic, and took its place.',
    remedy:
      'A copied or restored home is the same clinic: let one machine take part. For a second one, ask the study coordinator for another invitation and enrol it with a --home of its own. If you know of no other machine, someone has your key: tell the study coordinator, who revokes this clinic.',
  },
  LENTIGO_CHALLENGE_FAILED: {
    exit: 3,
    http: 401,
    means: 'On connecting, one side could not prove that it has the key that the other knows.',
    remedy:
      'The other side did not prove the identity that was pinned at enrolment. Check the address; if it is right, speak with the other side before you go on.',
  },
  LENTIGO_PROTOCOL_VERSION: {
    exit: 3,
    http: 426,
    means: 'The two sides speak different versions of the protocol.',
    remedy: 'Install the same Lentigo release on both sides.',
  },
  LENTIGO_HOME_INVALID: {
    exit: 2,
    http: 400,
    means: "The clinic's home folder is missing, incomplete or damaged.",
    remedy: 'Give the --home folder that `lentigo clinic enrol` wrote.',
  },
  LENTIGO_ADMIN_TOKEN: {
    exit: 3,
    http: 401,
    means: "The request carries no admin token, or not the coordinator's.",
    remedy:
      'Give the token that the coordinator wrote to admin-token in its data directory: --token or LENTIGO_TOKEN; or name that directory, on its machine, by --data-dir.',
  },
  LENTIGO_RATE_LIMITED: {
    exit: 3,
    http: 429,
    means: 'Too many attempts from this address failed within a minute.',
    remedy:
      'Wait as long as the message says, at most a minute, and try again; an agent does so by itself.',
  },

  // the clinic's app
  LENTIGO_PASSPHRASE_WRONG: {
    exit: 3,
    http: 401,
    means: "The passphrase does not open what the clinic's app stored.",
    remedy:
      'Type the passphrase again, with attention to capitals. Nobody can recover it; without it, only deleting everything in this browser lets you start anew.',
  },
  LENTIGO_VAULT_DAMAGED: {
    exit: 5,
    http: 500,
    means: "Something that the clinic's app stored does not open with the right passphrase.",
    remedy:
      'Part of what this browser stored is damaged: restore it from an export, or delete everything in this browser and enrol again with a new invitation.',
  },

  // messages and updates
  LENTIGO_MESSAGE_INVALID: {
    exit: 3,
    http: 400,
    means: "A message, or a request's body, is not what its schema says.",
    remedy: 'The message does not follow the protocol: use the same Lentigo release on both sides.',
  },
  LENTIGO_UPDATE_MALFORMED: {
    exit: 3,
    http: 400,
    means: 'The bytes are not a whole update.',
    remedy: 'The update is not a Lentigo envelope or was cut short: send it again.',
  },
  LENTIGO_UPDATE_SIGNATURE: {
    exit: 3,
    http: 400,
    means: "The update's signature is not that of the clinic that it names.",
    remedy: 'The update was altered on its way or signed by another key: send it again.',
  },
  LENTIGO_UPDATE_ALTERED: {
    exit: 3,
    http: 400,
    means: 'The encrypted part of the update does not open, or not to what its header says.',
    remedy: 'The encrypted update does not open: it was altered, or sealed for another round key.',
  },
  LENTIGO_UPDATE_OTHER_BASE: {
    exit: 3,
    http: 409,
    means: 'The update was trained from another model than the one that the round started from.',
    remedy:
      'The update was trained from another model than the one announced: train again from the announced model.',
  },
  LENTIGO_UPDATE_OTHER_ROUND: {
    exit: 3,
    http: 409,
    means: 'The update names another study, round, attempt or clinic.',
    remedy: 'The update belongs to another study, round or attempt.',
  },
  LENTIGO_UPDATE_CONFLICT: {
    exit: 3,
    http: 409,
    means: 'The clinic already has another update in this round.',
    remedy:
      'A different update of this clinic was already accepted in this round; each clinic sends one.',
  },
  LENTIGO_UPDATE_LATE: {
    exit: 3,
    http: 409,
    means: 'The round no longer takes updates.',
    remedy:
      'The round closed before the update arrived; the clinic takes part in the next one by itself.',
  },
  LENTIGO_UPDATE_NOT_FINITE: {
    exit: 3,
    http: 400,
    means: 'Training, or a model, gave values that are not numbers.',
    remedy:
      'Training diverged: lower training.learningRate, in a new study (the rate of one that runs is fixed).',
  },
  LENTIGO_ENCODING_UNKNOWN: {
    exit: 3,
    http: 400,
    means: 'No encoding of that name is registered.',
    remedy:
      'Name one of the encodings listed, or load the extension that registers it on both sides.',
  },
  LENTIGO_UPDATE_LENGTH: {
    exit: 3,
    http: 400,
    means: 'The update does not have as many values as the study trains.',
    remedy: 'The update has another length than the trainable parameters of the study.',
  },
  LENTIGO_UPDATE_NORM: {
    exit: 3,
    http: 400,
    means: 'The update is larger than updates.maxNorm of study.yaml.',
    remedy:
      'Check the data of this clinic; if its update is sound, begin a study with a lower training.learningRate or a higher updates.maxNorm.',
  },
  LENTIGO_UPDATE_SAMPLES: {
    exit: 3,
    http: 400,
    means: 'The update was trained on fewer or more images than the study takes.',
    remedy:
      'The study takes updates.minSamples to updates.maxSamples images of a clinic: give this clinic more images, or begin a study with other bounds.',
  },
  LENTIGO_UPLOAD_INVALID: {
    exit: 3,
    http: 400,
    means: 'The upload breaks the rules of resumable uploads.',
    remedy:
      'The upload does not follow tus 1.0 (https://tus.io), or does not fit what the coordinator holds of it: ask for a new ticket and send it again.',
  },
  LENTIGO_UPLOAD_TICKET: {
    exit: 3,
    http: 403,
    means:
      'The upload is not the one that its ticket was given for, or the ticket is no longer good.',
    remedy: 'Ask for a new upload ticket: this one expired or belongs to another clinic or round.',
  },

  // network and storage
  LENTIGO_UNREACHABLE: {
    exit: 4,
    http: 502,
    means: 'Nobody answers at the address, or the coordinator is stopping.',
    remedy:
      'Check the address, the network and that the coordinator is running; where a proxy is the only way out, name it by --proxy or HTTPS_PROXY.',
  },
  LENTIGO_PROXY: {
    exit: 4,
    http: 502,
    means:
      'The HTTP proxy on the way to the coordinator cannot be reached, or does not let through.',
    remedy:
      'Check --proxy, HTTPS_PROXY or HTTP_PROXY (http://user:password@host:port); ask who runs the proxy to let CONNECT through to the coordinator (many do for port 443 alone); what needs no proxy is named by NO_PROXY or --proxy none.',
  },
  LENTIGO_TLS: {
    exit: 4,
    http: 502,
    means:
      'The certificate is not trusted, or the certificate or key that was given cannot be used.',
    remedy:
      'Name a file with the certificate authority of the coordinator, or of the proxy that looks into connections, by NODE_EXTRA_CA_CERTS; or correct --tls-cert and --tls-key.',
  },
  LENTIGO_INSECURE: {
    exit: 2,
    http: 400,
    means: 'The coordinator would listen beyond this machine without encryption.',
    remedy:
      'Give --tls-cert and --tls-key, put a TLS proxy in front and bind loopback, or, in a network you trust entirely, --insecure.',
  },
  LENTIGO_PORT_TAKEN: {
    exit: 5,
    http: 500,
    means: 'Another program listens on the port.',
    remedy: 'Stop the program that listens there, or choose another --port.',
  },
  LENTIGO_ROUTE_UNKNOWN: {
    exit: 3,
    http: 404,
    means: 'The coordinator has nothing at that method and path.',
    remedy: 'Check method and path, and that both sides run the same Lentigo release.',
  },
  LENTIGO_BLOB_UNKNOWN: {
    exit: 3,
    http: 404,
    means: 'The coordinator has no model or update with that hash.',
    remedy: 'The coordinator holds no such blob: join the study again.',
  },
  LENTIGO_BLOB_CORRUPT: {
    exit: 5,
    http: 500,
    means: 'Stored or downloaded bytes are not those that their hash names.',
    remedy: 'The bytes do not match their hash: check the disk, or download again.',
  },
  LENTIGO_DATA_DIR_IN_USE: {
    exit: 5,
    http: 500,
    means: 'Two processes want one directory that only one may use.',
    remedy: 'Another Lentigo process uses this directory: stop it, or choose another directory.',
  },
  LENTIGO_DATA_DIR_NEWER: {
    exit: 5,
    http: 500,
    means: 'The data directory has migrations that this release does not know.',
    remedy: 'A newer Lentigo wrote this data directory: install that release or a later one.',
  },
  LENTIGO_DATABASE: {
    exit: 5,
    http: 500,
    means: 'The database does not answer, or refused what it was asked.',
    remedy: 'Check DATABASE_URL and that PostgreSQL accepts connections.',
  },
  LENTIGO_DISK_FULL: {
    exit: 5,
    http: 507,
    means: 'There is no space left to write.',
    remedy:
      "Free space on the disk that holds the coordinator's data directory or the clinic's home; nothing that was acknowledged is lost.",
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
