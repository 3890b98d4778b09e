// Every English text of the clinic's app. The other languages have the same shape.
import type { ErrorCode } from '../../../common/errors.js';
import type { QualityProblem } from '../../../common/images/quality.js';
import { number } from './format.js';

const plural = (n: number, one: string, many = `${one}s`): string =>
  `${number(n)} ${n === 1 ? one : many}`;
const photographs = (n: number): string => plural(n, 'photograph');

export const en = {
  photographs,
  app: 'Lentigo',
  notice: 'For research. Not a medical device.',
  pages: {
    photographs: 'Photographs',
    rounds: 'Take part',
    predict: 'Predict',
    settings: 'Settings',
  },
  skip: 'Skip to the content',
  common: {
    cancel: 'Cancel',
    save: 'Save',
    delete: 'Delete',
    close: 'Close',
    working: 'One moment…',
    copy: 'Copy',
    copied: 'Copied',
    details: 'Details',
  },

  leaves: {
    title: 'What leaves this device',
    items: [
      'The name of your clinic and its public key.',
      'In each round: what training changed in the model, encrypted and signed, and how many photographs it was trained on.',
      'While training: how far it is, and the mean loss.',
    ],
    note: 'The coordinator of the study can read these changes to the model. They can reveal a little about the photographs behind them.',
  },
  stays: {
    title: 'What never leaves it',
    items: [
      'Your photographs.',
      'Diagnoses, ages, and everything else about a patient.',
      'File names.',
      'Your clinic’s secret key and your passphrase.',
    ],
  },

  welcome: {
    title: 'Learn together. Photographs stay here.',
    lead: 'Clinics train one skin-lesion classifier together. Yours trains on this device, with your own photographs, and sends only what training changed in the model.',
    invited: 'You are invited to a study.',
    invitedTo: (study: string) => `You are invited to the study “${study}”.`,
    as: (clinic: string) => `As ${clinic}.`,
    paste: 'Your invitation',
    pasteHint:
      'Paste the link or the word that the study coordinator sent you. On a phone, its QR code opens this page by itself.',
    expires: (when: string) => `Good until ${when}.`,
    begin: 'Begin',
    without: 'Set up without an invitation',
    withoutHint: 'You can already collect photographs, and enrol later.',
    otherHost: (host: string) =>
      `This invitation is for the coordinator at ${host}. Open the link that came with it: a page may only speak with the server it came from.`,
  },
  passphrase: {
    title: 'A passphrase for this device',
    lead: 'Everything that you collect is encrypted in this browser. Only this passphrase opens it.',
    label: 'Passphrase',
    again: 'The same once more',
    hint: 'At least 8 characters. Several words are easy to remember and hard to guess.',
    short: (n: number) => `At least ${n} characters, please.`,
    differ: 'The two are not the same.',
    lost: 'Nobody can recover it for you: not the study, not us. Keep it where you keep your other passwords.',
    set: 'Set passphrase',
  },
  unlock: {
    title: 'Welcome back',
    lead: 'Your photographs are encrypted in this browser.',
    covered: 'Hidden while you were away. Rounds go on in the background.',
    button: 'Unlock',
    forgotten: 'Passphrase forgotten?',
    forgottenText:
      'Without it nothing here can be read again. You can delete everything in this browser and begin anew, with a new invitation.',
  },
  enrol: {
    title: 'Join the study',
    name: 'Name of your clinic',
    nameHint: 'As the study coordinator knows you.',
    button: 'Enrol',
    identity: 'Your clinic’s key is made on this device and never leaves it.',
    waitingTitle: 'Almost there: a short telephone call',
    waiting:
      'Call the study coordinator and read these characters to each other. When they agree, the coordinator lets your clinic in, and this page goes on by itself.',
    fingerprint: 'Fingerprint of your clinic',
    waitingState: 'Waiting for approval…',
    meanwhile: 'Meanwhile you can collect photographs.',
    notYet: 'Not enrolled in a study yet',
    notYetText: 'Open the link of your invitation, or paste it here.',
  },

  collect: {
    title: 'Photographs',
    count: (all: number, training: number) =>
      all === 0 ? 'None yet' : `${photographs(all)}, ${number(training)} to train on`,
    empty: 'Your first photograph',
    emptyText:
      'Take one with the camera, or bring a folder of photographs that you have. They are encrypted in this browser and stay here.',
    camera: 'Camera',
    files: 'Add photographs',
    folder: 'Import a folder',
    folderHint:
      'A folder of photographs with a table (CSV) of file, diagnosis and patient, which can also come later as a file; or one folder for each diagnosis.',
    filters: { all: 'All', unlabelled: 'No diagnosis', doubtful: 'To check' },
    noDiagnosis: 'No diagnosis',
    apart: 'Kept apart',
    toCheck: 'To check',
    foreign: 'Not of this study',
    foreignNote: (n: number, diagnoses: readonly string[], known: readonly string[]) =>
      `${photographs(n)} ${n === 1 ? 'is' : 'are'} not of this study’s diagnoses (${diagnoses.join(', ')}): kept here, and not used in training. The study tells apart: ${known.join(', ')}.`,
    none: 'No photograph here.',
    importing: (done: number, of: number) => `Importing ${number(done)} of ${photographs(of)}`,
    stop: 'Stop',
    imported: {
      title: (n: number) => `${photographs(n)} added`,
      completed: (n: number) =>
        `${photographs(n)} that ${n === 1 ? 'was' : 'were'} here already: completed from the table.`,
      known: (n: number) => `${photographs(n)} ${n === 1 ? 'was' : 'were'} here already.`,
      folders:
        'Folders whose names are no diagnoses that are known here; their photographs have none yet:',
      notes: 'Reading the table:',
      unnamed: (n: number) =>
        `${photographs(n)} left out: the table names ${n === 1 ? 'it' : 'them'} in no row.`,
      others: (n: number, kinds: string) => `${plural(n, 'other file')} left out: ${kinds}.`,
      hidden: 'hidden',
      conflicts: (n: number) =>
        `${plural(n, 'entry', 'entries')} of the table differ from what is filled in here, which stays:`,
      conflict: (name: string, field: string, here: string, table: string) =>
        `${name}, ${field}: here ${here}, in the table ${table}`,
      refused: (n: number) => `${photographs(n)} not taken:`,
      problems: (n: number) => `${plural(n, 'problem')}:`,
      more: (n: number) => `and ${number(n)} more`,
      label:
        'Diagnoses are missing: tap a photograph to fill them in. Only photographs with a diagnosis train.',
    },
    before: 'Back',
    saveAndNext: 'Save, next',
    saveAndClose: 'Save and close',
    nextUnlabelled: 'Next without a diagnosis',
    quick: 'Diagnosis at one touch',
    keys: {
      lead: 'By keyboard:',
      enter: 'Enter',
      diagnosis: 'diagnosis',
      next: 'saves and goes on',
      move: 'one back, one on',
      unlabelled: 'next without a diagnosis',
    },
    patient: (id: string, n: number) => `Patient ${id}: ${photographs(n)}`,
    single: 'Patients with one photograph',
    noPatient: 'No patient filled in',
    many: {
      select: 'Select several',
      stop: 'Done',
      all: 'Select all',
      none: 'Select none',
      selected: (n: number) => `${number(n)} selected`,
      describe: 'Fill in…',
      title: (n: number) => `Fill in for ${photographs(n)}`,
      hint: 'What you leave empty stays as it is in each photograph.',
      overwrites: (n: number) =>
        `In ${photographs(n)} this replaces something that is filled in already.`,
      apply: (n: number) => `Fill in for ${photographs(n)}`,
      help: 'Touch or click photographs; with Shift, all up to there.',
      helpKeys:
        'By keyboard: arrows move, Space selects, Ctrl+A selects all, Enter fills in, Escape ends.',
    },
    delete: 'Delete this photograph?',
    deleteText: 'It is deleted from this browser for good.',
    edit: 'Photograph',
    editOf: (at: number, of: number) => `Photograph ${number(at)} of ${number(of)}`,
    added: (when: string) => `Added ${when}`,
    size: (width: number, height: number) => `${width} × ${height} pixels`,
  },
  camera: {
    title: 'Take a photograph',
    guide:
      'Fill about half of the circle with the lesion. Hold still, in even light, without flash.',
    take: 'Take photograph',
    again: 'Take again',
    denied:
      'The camera can’t be used here. Allow it in the browser’s settings for this page, or choose a photograph that was taken with another app.',
    file: 'Choose a photograph',
    starting: 'Starting the camera…',
    preview: 'The photograph you took',
  },
  crop: {
    title: 'Choose the part',
    text: 'Move and enlarge until the lesion is in the middle of the circle.',
    zoom: 'Enlarge',
    use: 'Use this part',
    button: 'Crop',
    kept: 'The chosen part takes the place of the photograph when you save.',
  },
  fields: {
    diagnostic: 'Diagnosis',
    patient_id: 'Patient',
    patientHint: 'A code of your own, the same for all photographs of a patient. No name.',
    age: 'Age',
    gender: 'Sex',
    fitspatrick: 'Skin type (Fitzpatrick)',
    region: 'Site on the body',
    biopsed: 'Confirmed by biopsy',
    diameter_1: 'Diameter (mm)',
    diameter_2: 'Second diameter (mm)',
    lesion_id: 'Lesion',
    signs: 'What the patient reports',
    itch: 'Itches',
    grew: 'Grew',
    hurt: 'Hurts',
    changed: 'Changed',
    bleed: 'Bleeds',
    elevation: 'Raised',
    yes: 'Yes',
    no: 'No',
    unknown: 'Not known',
    none: 'Not filled in',
    genders: { FEMALE: 'Female', MALE: 'Male' } as Record<string, string>,
    more: 'More about the lesion',
    invalid: 'This does not fit.',
    outside: (expected: string) => `This does not fit: ${expected}.`,
    correct: (fields: readonly string[]) => `Not saved yet. Please correct: ${fields.join(', ')}.`,
    foreign: 'Not of this study’s diagnoses: the photograph is kept, and not used in training.',
    countsAs: (name: string) => `In this study: ${name}.`,
    ageRange: '0 to 130 years',
    diameterRange: '0 to 1000 mm',
  },
  regions: {
    ABDOMEN: 'Abdomen',
    ARM: 'Arm',
    BACK: 'Back',
    CHEST: 'Chest',
    EAR: 'Ear',
    FACE: 'Face',
    FOOT: 'Foot',
    FOREARM: 'Forearm',
    HAND: 'Hand',
    LIP: 'Lip',
    NECK: 'Neck',
    NOSE: 'Nose',
    SCALP: 'Scalp',
    THIGH: 'Thigh',
  } as Record<string, string>,
  fitzpatrick: [
    'I: pale, always burns',
    'II: fair, burns easily',
    'III: medium, burns at times',
    'IV: olive, burns seldom',
    'V: brown, hardly burns',
    'VI: dark, does not burn',
  ],
  /**
   * Names of the labels in common/model/labels.ts; another study's labels are shown as the study
   * names them.
   */
  diagnoses: {
    ACK: 'Actinic keratosis',
    BCC: 'Basal cell carcinoma',
    MEL: 'Melanoma',
    NEV: 'Nevus',
    SCC: 'Squamous cell carcinoma',
    SEK: 'Seborrhoeic keratosis',
    akiec: 'Actinic keratosis or carcinoma in situ',
    bcc: 'Basal cell carcinoma',
    bkl: 'Benign keratosis',
    df: 'Dermatofibroma',
    mel: 'Melanoma',
    nv: 'Nevus',
    vasc: 'Vascular lesion',
    benign: 'Benign',
    malignant: 'Malignant',
  } as Record<string, string>,

  quality: {
    good: 'The photograph is good.',
    'too-small': {
      title: 'Too small',
      text: 'Fewer pixels than the model looks at. Go nearer, or choose the original instead of a copy.',
    },
    blurred: {
      title: 'Blurred',
      text: 'Nothing in it is sharp. Hold the phone still, tap on the lesion to focus, and keep a hand’s width away.',
    },
    'too-dark': {
      title: 'Too dark',
      text: 'Even the bright parts are dark. Turn to a window or a lamp; shade from the phone is a frequent cause.',
    },
    'too-bright': {
      title: 'Too bright',
      text: 'Large parts have no detail left. Switch off the flash, or move away from direct light.',
    },
    'no-lesion': {
      title: 'Is the lesion in the middle?',
      text: 'The middle looks like the skin around it. If the lesion is elsewhere, crop the photograph; if it is just pale, keep it.',
    },
    keep: 'Keep it all the same',
  } satisfies Record<QualityProblem, { title: string; text: string }> & Record<string, unknown>,

  rounds: {
    title: 'Take part',
    standing: {
      paused: 'Paused',
      connecting: 'Connecting…',
      'waiting-approval': 'Waiting for approval',
      connected: 'Connected',
      offline: 'No connection',
      elsewhere: 'Active in another tab',
      over: 'The study has ended',
      failed: 'Stopped',
    },
    explain: {
      paused: 'Your clinic takes no part in rounds until you continue.',
      connecting: 'Reaching the study’s coordinator.',
      'waiting-approval': 'The study coordinator has not let your clinic in yet.',
      connected: 'A round begins by itself. Leave this page open.',
      offline: 'The coordinator can’t be reached. It is tried again by itself; nothing is lost.',
      elsewhere: 'Your clinic takes part in another tab of this browser.',
      over: 'Thank you. The study’s best and last model stay here for predictions.',
      failed: 'This needs your attention.',
    },
    progress: (round: number, rounds: number) => `Round ${round} of ${rounds}`,
    studyStatus: {
      draft: 'not started yet',
      running: 'running',
      paused: 'paused by the coordinator',
      stopped: 'stopped',
      completed: 'completed',
    },
    phases: {
      downloading: 'Fetching the model',
      preparing: 'Preparing photographs',
      training: 'Training',
      sealing: 'Encrypting',
      uploading: 'Sending',
      sent: 'Sent. Waiting for the other clinics',
      missed: 'The round went on without this clinic',
      declined: 'Your clinic can’t deliver in this round',
    },
    undelivered: (round: number) => `Round ${round}: no update came from your clinic`,
    waitingRound: 'Waiting for the next round',
    achieved: (round: number, metric: string, score: string) =>
      `Round ${round} reached a ${metric} of ${score} on validation`,
    before: (score: string, change: string) => `${score} before (${change})`,
    bestSoFar: (round: number) =>
      round === 0 ? 'the starting model is still the best' : `best so far: round ${round}`,
    toPredict: 'Predict with the study’s models',
    left: (seconds: number) =>
      seconds < 90
        ? `about ${Math.max(1, Math.ceil(seconds))} s left`
        : `about ${Math.ceil(seconds / 60)} min left`,
    closes: (when: string) => `The round closes at ${when}`,
    epoch: (n: number) => `Pass ${n} over the photographs`,
    loss: 'loss',
    trainingOn: (n: number) => `${photographs(n)} to train on`,
    foreign: (n: number) => `${photographs(n)} with a diagnosis that this study does not know`,
    noneToTrain:
      'No photograph with a diagnosis of this study yet: your clinic can’t take part before there are some.',
    engine: (name: string) =>
      ({
        webgpu: 'Trains on the graphics processor',
        wasm: 'Trains on the processor',
        cpu: 'Trains slowly, in plain JavaScript',
        native: 'Trains natively',
      })[name] ?? name,
    awake: 'The screen stays on while it trains. Plug in the charger on a phone.',
    pause: 'Pause',
    resume: 'Continue',
    sentTitle: 'What this clinic sent',
    sentNone: 'Nothing yet. Each update is listed here, with its receipt.',
    oneSent: (samples: string, size: string) => `${samples}, ${size}`,
    columns: {
      round: 'Round',
      norm: 'Norm of the change',
      loss: 'Mean loss in training',
      sha256: 'SHA-256 of what was sent',
    },
  },

  predict: {
    title: 'Predict',
    lead: 'What the model says of a photograph. It is computed here; the photograph stays on this device.',
    notDiagnosis: 'Not a diagnosis. For research only: no decision about a patient may rest on it.',
    choose: 'Choose a photograph',
    camera: 'Camera',
    another: 'Another photograph',
    own: 'From your photographs',
    noModel: 'No model yet',
    noModelText: 'The first round of the study brings it. Then it also works without a network.',
    which: 'The model',
    malignancy: 'Malignant',
    mostProbable: 'Most probable',
    flagged: (threshold: string) =>
      `At or above ${threshold}, from where on this model counts a lesion as suspicious.`,
    notFlagged: (threshold: string) =>
      `Below ${threshold}, from where on this model counts a lesion as suspicious.`,
    malignancyHint: (names: string) => `Sum of ${names}`,
    heatmap: 'Where it looks',
    heatmapHint: (name: string) => `Brighter parts speak for ${name}`,
    working: 'Looking at the photograph…',
    trainedOn: 'Your clinic trains on this photograph: the model knows it.',
    truth: (name: string) => `Your diagnosis: ${name}`,
    result: 'Result',
    photograph: 'The photograph',
    withHeat: 'The photograph, with the parts that count marked',
  },

  models: {
    start: 'the starting model',
    round: (round: number) => `round ${round}`,
    best: (of: string) => `Best: ${of}`,
    last: (of: string) => `Last: ${of}`,
    base: (of: string) => `So far: ${of}`,
    own: (round: number) => `After your training in round ${round}`,
    startOf: (round: number) => `What round ${round} started from`,
    chosenBy: (metric: string) => `by ${metric} on validation`,
    finds: (
      [found, malignant]: readonly [number, number],
      [alarms, benign]: readonly [number, number],
    ) =>
      `Finds ${found} of ${malignant} malignant lesions; raises ${alarms} false ${alarms === 1 ? 'alarm' : 'alarms'} in ${benign} benign ones.`,
    measured: (n: number) =>
      `Measured by the study coordinator on ${photographs(n)} of patients who are kept apart for that (held-out).`,
    unknown: 'The study has not said yet how good this model is.',
    ownUnknown:
      'How good it is, nobody measured: only the study’s own models are tried on held-out patients.',
    metrics: {
      balancedAccuracy: 'balanced accuracy',
      accuracy: 'accuracy',
      weightedF1: 'weighted F1',
      macroF1: 'macro F1',
      malignantAuc: 'AUC, malignant against benign',
      aucOvr: 'AUC, one against the rest',
    },
    sensitivity: 'sensitivity',
    specificity: 'specificity',
    intervals: 'In brackets: 95% intervals.',
    atThreshold: (percent: string) =>
      `Sensitivity and specificity from a malignant probability of ${percent}% on, which validation chose.`,
  },

  settings: {
    title: 'Settings',
    study: 'Study',
    coordinator: 'Coordinator',
    clinic: 'Clinic',
    appearance: 'Appearance',
    schemes: { light: 'Light', dark: 'Dark', auto: 'As the system' },
    storage: 'Storage',
    used: (text: string) => `${text} used in this browser`,
    persist: 'Protect from clearing',
    persisted: 'This browser won’t clear them by itself.',
    notPersisted:
      'The browser declined for now. Install the app, or use it for some days, and try again.',
    export: 'Export all photographs',
    exportHint:
      'A zip that you can read: metadata.csv and the images, as PAD-UFES-20 is published. It is not encrypted: keep it safe.',
    passphrase: 'Change passphrase',
    old: 'Present passphrase',
    new: 'New passphrase',
    changed: 'The passphrase was changed.',
    lock: 'Lock now',
    lockHint: (minutes: number) => `Locks by itself after ${minutes} minutes without use.`,
    engines: 'What trains here',
    engineCheck: 'Check',
    chosen: 'in use',
    install: 'Install as an app',
    installHint: 'On your home screen it opens like any app, also without a network.',
    deleteAll: 'Delete everything',
    deleteAllText:
      'Photographs, the clinic’s identity, the journal and the models in this browser are deleted for good. To take part again your clinic needs a new invitation.',
    deleteConfirm: 'Type DELETE to confirm',
    deleteWord: 'DELETE',
    privacy: 'Privacy',
  },

  error: {
    title: 'This did not work',
  },
  /** What happened, by an error's code; in English its own words are shown. */
  means: {} as Partial<Record<ErrorCode, string>>,
  /** What to do about an error, where the app's advice differs from the command line's. */
  remedies: {
    LENTIGO_CLINIC_UNKNOWN:
      'The coordinator does not know this clinic (any more). Ask for a new invitation.',
    LENTIGO_CLINIC_ELSEWHERE:
      'Stop taking part on one of the two devices. If you know of no other, tell the study coordinator: someone has your key.',
    LENTIGO_CLINIC_REVOKED:
      'The study coordinator withdrew this clinic; speak with them. Your photographs are still here.',
    LENTIGO_INVITATION_OTHER_STUDY:
      'This browser already belongs to another study. Use another browser or browser profile for this one.',
    LENTIGO_INVITATION_INVALID: 'Copy the whole link or word, as the coordinator sent it.',
    LENTIGO_UPDATE_SAMPLES: 'Add photographs with a diagnosis: the study expects more of them.',
    LENTIGO_DATA_DIR_IN_USE: 'Close the other tab.',
    LENTIGO_DISK_FULL: 'Free space on this device, or delete photographs that you no longer need.',
    LENTIGO_DATA_IMAGE_MISSING: 'Pick the whole folder: the images belong to it.',
    LENTIGO_DATA_IMAGE_AMBIGUOUS:
      'Write the folder into the table (photos/IMG_1.jpg), or leave out the files that are not meant.',
    LENTIGO_DATA_IMAGE_UNREADABLE: 'Choose an intact JPEG or PNG.',
    LENTIGO_DATA_IMAGE_FORMAT:
      'Export it as JPEG or PNG; JPEG, PNG, WebP, AVIF and HEIC can be added.',
    LENTIGO_DATA_IMAGE_TOO_LARGE: 'Save it with fewer pixels.',
    LENTIGO_HOME_INVALID:
      'Part of what this browser stored is damaged. Export your photographs, then delete everything and enrol again.',
    LENTIGO_ENGINE_UNAVAILABLE: 'Use a current Chrome, Edge, Firefox or Safari.',
    LENTIGO_UNREACHABLE: 'Check the network of this device. It is tried again by itself.',
    LENTIGO_TLS:
      'The server’s certificate is not trusted by this device: ask the study coordinator.',
    LENTIGO_UPDATE_LATE: 'Your clinic takes part in the next round by itself.',
    LENTIGO_PROTOCOL_VERSION: 'Reload this page: the coordinator was updated.',
  } as Partial<Record<ErrorCode, string>>,
};

export type Strings = typeof en;
