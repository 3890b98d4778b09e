// All that the console says, in English; the other languages say the same things.
import type { ErrorCode } from '../../../common/errors.js';
import type { ScoreName } from '../../../common/evaluation/metrics.js';

const plural = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/** A title within a sentence; an abbreviation keeps its capitals. */
const inSentence = (title: string): string =>
  /^[A-Z]{2}/.test(title) ? title : title.charAt(0).toLowerCase() + title.slice(1);

export const en = {
  title: 'Lentigo console',
  brand: 'Lentigo',
  skip: 'Skip to content',
  theme: { light: 'Light colours', dark: 'Dark colours' },
  signOut: 'Sign out',
  offline:
    'The connection to the coordinator is lost. What you see may be out of date; it is being tried again.',
  loading: 'Loading…',
  cancel: 'Cancel',
  close: 'Close',
  copy: 'Copy',
  copied: 'Copied',
  download: 'Download',
  disclaimer: 'For research use only. Lentigo is not a medical device.',
  errors: {
    unreachable: 'The coordinator does not answer.',
    unreachableRemedy: 'Check that it is running and that you are connected, then try again.',
    status: (status: number) => `The coordinator answered with status ${status}.`,
    otherRelease: 'The answer of the coordinator is not understood.',
    otherReleaseRemedy: 'Reload the page: the coordinator may have been updated.',
    signInAgain: 'Sign out, and sign in with the token that the coordinator has now.',
    noStudy: 'There is no such study.',
    noStudyRemedy: 'See the list of studies for those of this coordinator.',
    noPage: 'There is no such page',
    crash: 'This page has failed',
    reload: 'Reload',
  },
  signIn: {
    title: 'Study coordinator',
    lead: 'Clinics train one model together, and no photograph leaves a clinic.',
    token: 'Admin token',
    where:
      'The coordinator wrote it to admin-token in its data directory. It is kept in this tab only.',
    wrong: 'This is not the admin token of this coordinator.',
    wrongRemedy: 'Copy the whole content of admin-token in its data directory.',
    button: 'Sign in',
  },
  studies: {
    title: 'Studies',
    create: 'New study',
    emptyTitle: 'No study yet',
    empty:
      'A study is one model that several clinics train together, round by round. Describe it, invite the clinics, and start.',
    progress: (completed: number, rounds: number) => `${completed} of ${plural(rounds, 'round')}`,
    best: (metric: string, score: string, round: string) =>
      `Best: ${inSentence(round)}, ${inSentence(metric)} ${score} on validation`,
    noBest: 'Not evaluated yet',
    columns: {
      name: 'Study',
      status: 'Status',
      rounds: 'Rounds',
      best: 'Best on validation',
    },
    bestCell: (metric: string, score: string, round: string) =>
      `${score} ${inSentence(metric)}, ${inSentence(round)}`,
  },
  status: {
    draft: 'Draft',
    running: 'Running',
    paused: 'Paused',
    stopped: 'Stopped',
    completed: 'Completed',
  },
  actions: {
    start: 'Start',
    pause: 'Pause',
    resume: 'Resume',
    stop: 'Stop',
    stopTitle: 'Stop this study for good?',
    stopText:
      'The open round is given up, and the study can’t be resumed. Models and results stay. To interrupt it for a while, pause it.',
  },
  create: {
    title: 'New study',
    lead: 'All settings have a default that works. What you choose here is written to study.yaml, which you can keep.',
    submit: 'Create study',
    creating: 'Checking model and data…',
    created: 'The study is created. Now invite its clinics.',
    yaml: 'study.yaml',
    problems: 'Please correct the fields that are marked.',
    required: 'This is needed.',
    /** What is wrong with a field; a number is as it was given. */
    wrong: {
      number: 'A number is needed here.',
      whole: 'A whole number is needed here.',
      atLeast: (n: string) => `At least ${n}.`,
      above: (n: string) => `More than ${n}.`,
      atMost: (n: string) => `At most ${n}.`,
      below: (n: string) => `Less than ${n}.`,
      longest: (n: string) => `At most ${n} characters.`,
      shortest: (n: string) => `At least ${n} characters.`,
      characters: 'It contains characters that are not allowed here.',
      choice: 'One of the choices is needed.',
      other: 'This can’t be used here.',
    },
    /** What two fields together break, by the path of the one to blame. */
    together: {
      'cohort.quorum': 'Not more than the clinics that open a round.',
      'updates.minSamples': 'Not more than the most photographs of a clinic.',
    } as Record<string, string | undefined>,
    trains: (last: number) =>
      last === 0
        ? 'only the classifier'
        : `the last ${last === 1 ? 'block' : `${last} blocks`} and the classifier`,
    trainsAll: 'everything',
    model: {
      title: 'Starting model',
      known: 'One that the coordinator has',
      upload: 'Upload a file',
      file: 'Model file',
      fileHelp: 'model.safetensors, as lentigo weights import or a study writes it',
      choose: 'Choose a file',
      uploading: (percent: string) => `Uploading, ${percent}`,
      uploaded: (size: string) => `Uploaded, ${size}`,
      describe: (architecture: string, labels: string, size: string) =>
        `${architecture}, ${size}, ${labels}`,
    },
    data: {
      check: 'Look at it',
      found: (samples: string, patients: string, validation: number, heldout: number) =>
        `${samples} photographs of ${patients} patients: ${validation} for validation, ${heldout} held out.`,
      problems: (n: number) => `${plural(n, 'row')} can’t be used.`,
      missing: 'Validation and held-out photographs are both needed.',
    },
    sections: {
      study: { title: 'Study', text: '' },
      strategy: {
        title: 'Strategy',
        text: 'How the clinics’ updates become the next model.',
      },
      training: {
        title: 'Training at the clinics',
        text: 'How every clinic fine-tunes the model in a round.',
      },
      cohort: {
        title: 'Rounds and clinics',
        text: 'When a round opens, and what it needs to count.',
      },
      updates: { title: 'Updates', text: 'What a clinic may send back.' },
      evaluation: {
        title: 'Evaluation',
        text: 'Photographs on the coordinator’s machine. Validation decides which round is best; held-out is only reported.',
      },
    } as Record<string, { title: string; text: string } | undefined>,
    /** By path in study.yaml; a field that is not listed here is shown by its name. */
    fields: {
      name: ['Name', 'Clinics see it when they enrol.'],
      rounds: ['Rounds', ''],
      seed: ['Seed', 'Of splits, shuffling and augmentation.'],
      privacy: [
        'Privacy',
        'Sealed: encrypted to the coordinator, which can read each clinic’s update.',
      ],
      'strategy.name': ['Strategy', ''],
      'training.trainFrom': [
        'What the clinics train',
        'The blocks before stay frozen and don’t travel.',
      ],
      'training.epochs': ['Epochs', 'Passes over a clinic’s photographs in one round.'],
      'training.batchSize': ['Batch size', ''],
      'training.optimiser': ['Optimiser', ''],
      'training.learningRate': ['Learning rate', ''],
      'training.momentum': ['Momentum', 'SGD only.'],
      'training.weightDecay': ['Weight decay', ''],
      'training.focalGamma': ['Focal loss γ', '0 is cross-entropy.'],
      'training.balance': ['Class balance', 'From each clinic’s own counts.'],
      'training.variants': ['Augmented variants', 'Of each photograph; 1 is the plain one.'],
      'cohort.minimum': ['Clinics to open a round', 'So many must be connected.'],
      'cohort.quorum': ['Quorum', 'Updates needed at the deadline.'],
      'cohort.deadlineSeconds': ['Deadline, seconds', 'From announcing a round.'],
      'cohort.attempts': ['Attempts', 'Rounds in a row without quorum before the study pauses.'],
      'updates.encoding': ['Encoding', 'int8 is a quarter of the size.'],
      'updates.maxNorm': ['Largest norm', 'Of an update; beyond it is refused.'],
      'updates.minSamples': ['Fewest photographs', 'Of a clinic in a round.'],
      'updates.maxSamples': ['Most photographs', 'Of a clinic in a round.'],
      'evaluation.data': [
        'Evaluation photographs',
        'A folder on the coordinator’s machine: photographs with a table of file, diagnosis and patient, or a published archive; or synthetic:site=1&images=300',
      ],
      'evaluation.select': ['Validation decides by', ''],
      'evaluation.patience': [
        'Patience',
        'Stop after so many rounds without a better result; empty runs all.',
      ],
      'evaluation.rollbackBelow': [
        'Undo a round that falls by',
        'More than this below the best; empty never does.',
      ],
    } as Record<string, [label: string, help: string] | undefined>,
  },
  tabs: {
    overview: 'Overview',
    results: 'Results',
    clinics: 'Clinics',
    audit: 'Audit log',
    downloads: 'Downloads',
  },
  overview: {
    feed: 'What happens',
    feedEmpty: 'Nothing has happened yet.',
    round: (n: number) => (n === 0 ? 'Starting model' : `Round ${n}`),
    phase: {
      planned: 'waits for clinics',
      open: 'clinics are training',
      aggregating: 'updates are averaged',
      evaluating: 'the new model is evaluated',
      closed: 'done',
      failed: 'failed',
    },
    evaluating: (percent: string) => `the new model is evaluated, ${percent}`,
    waiting: (connected: number, needed: number) =>
      `${connected} of the ${needed} clinics that a round needs are connected.`,
    returned: (n: number, of: number) => `${n} of ${of} clinics returned`,
    deadline: (left: string) => `Deadline in ${left}`,
    left: (left: string) => `About ${left} left`,
    rounds: 'Rounds',
    /** Under a score: of which round and photographs it is. */
    scoreOf: (round: string) => `held-out, ${inSentence(round)}, the best by validation`,
    finds: 'Finds malignant',
    findsOf: (found: number, malignant: number) => `${found} of ${malignant}, held-out`,
    alarms: 'False alarms',
    alarmsOf: (falseAlarms: number, benign: number) =>
      `${falseAlarms} of ${benign} benign, held-out`,
    notYet: 'Nothing evaluated yet',
    clinicsConnected: 'Clinics connected',
    clinicsTookPart: 'Clinics that took part',
    photographs: (n: string) => `${n} photographs in the last round`,
    traffic: 'Traffic',
    trafficOf: (down: string) => `from clinics; ${down} to them`,
    nextInvite: 'Invite clinics first: each enrols with a link, and you approve it on the phone.',
    nextApprove: (n: number) => `${plural(n, 'clinic waits', 'clinics wait')} for your approval.`,
    nextStart: 'Enough clinics are approved. Start the study when they are ready.',
    goClinics: 'To the clinics',
  },
  clinic: {
    title: 'Clinics',
    none: 'No clinic has enrolled yet.',
    noneText: 'Invite one: it gets a link, and makes its own key on its own device.',
    state: { pending: 'waits for approval', approved: 'approved', revoked: 'revoked' },
    phase: {
      downloading: 'downloads the model',
      preparing: 'prepares its photographs',
      training: 'trains',
      sealing: 'encrypts its update',
      uploading: 'uploads',
    },
    idle: 'connected',
    away: 'away',
    declined: (code: string) => `can’t deliver: ${code}`,
    returned: 'returned its update',
    /** When the study is over. */
    tookPart: (rounds: number) =>
      rounds === 0 ? 'took part in no round' : `took part in ${plural(rounds, 'round')}`,
    loss: (loss: string) => `loss ${loss}`,
    fingerprint: 'Fingerprint',
    approve: 'Approve',
    revoke: 'Revoke',
    invite: 'Invite a clinic',
    approveTitle: (name: string) => `Approve ${name}?`,
    approveOf: (name: string) => `Approve ${name}`,
    approveText:
      'Call the clinic on a number you already know, and let them read their fingerprint to you. Approve only if it is the same, to the last digit.',
    same: 'It is the same: approve',
    revokeTitle: (name: string) => `Revoke ${name}?`,
    revokeOf: (name: string) => `Revoke ${name}`,
    revokeText:
      'It is disconnected at once, its update leaves the open round, and it can’t take part again with this key. Rounds that are over stay as they are.',
    columns: {
      clinic: 'Clinic',
      state: 'State',
      now: 'Now',
      rounds: 'Rounds',
      photographs: 'Photographs',
      sent: 'Sent',
      seconds: 'Time',
    },
    columnsHelp:
      'Photographs: behind the last update. Sent and time: over all rounds, time from the announcement to the receipt.',
    pending: 'Invitations',
    invited: (until: string) => `not used yet, good until ${until}`,
    expired: 'expired',
    actions: 'Actions',
  },
  invite: {
    title: 'Invite a clinic',
    name: 'Name of the clinic',
    hours: 'Good for',
    hour: (hours: number) => (hours < 48 ? plural(hours, 'hour') : plural(hours / 24, 'day')),
    make: 'Make the invitation',
    made: (name: string) => `Invitation for ${name}`,
    once: (until: string) =>
      `It works once, until ${until}, and is shown only now: send it before you close this.`,
    link: 'Link to the clinic’s app',
    qr: 'QR code of the link, to scan with the clinic’s phone',
    word: 'For lentigo clinic enrol',
    share: 'Share',
    mail: 'E-mail',
    subject: (study: string) => `Invitation to the study ${study}`,
    letter: (study: string, clinic: string, until: string, link: string) =>
      `${clinic} is invited to the study “${study}”. Photographs stay at the clinic.\n\nOpen this link on the device with the photographs, until ${until}; it works once:\n\n${link}\n`,
    another: 'Invite another',
  },
  results: {
    empty: 'No result yet',
    emptyText:
      'When the study starts, the starting model is evaluated first; then every round adds a point.',
    curves: 'Results by round',
    metric: 'Metric',
    validation: 'Validation',
    heldout: 'Held-out',
    interval: '95% interval',
    bestRound: (n: number) => `best by validation: ${n === 0 ? 'start' : `round ${n}`}`,
    /** Under the chart's title: from the start to the best round. */
    change: (difference: string, from: string, to: string, round: number) =>
      `Held-out: ${difference} since the start, from ${from} to ${to} in round ${round}, the best by validation`,
    noChange: (value: string) => `Held-out: ${value} at the start, the best by validation`,
    failedRounds: (rounds: string, n: number) =>
      `✕ ${n === 1 ? 'an attempt' : 'attempts'} that failed: ${n === 1 ? 'round' : 'rounds'} ${rounds}`,
    curveSummary: (metric: string, from: string, to: string, rounds: number, best: number) =>
      `${metric} by round: held-out went from ${from} to ${to} over ${plural(rounds, 'round')}; ${best === 0 ? 'the start' : `round ${best}`} is best by validation.`,
    round: 'Round',
    roundOption: (n: number, best: boolean) =>
      `${n === 0 ? 'Starting model' : `Round ${n}`}${best ? ', best by validation' : ''}`,
    split: 'Photographs',
    confusion: 'Confusion matrix',
    confusionHelp: 'Rows: the true diagnosis. Columns: the predicted one.',
    cell: (n: number, truth: string, predicted: string) =>
      `${n} with ${truth} predicted as ${predicted}`,
    malignancy: 'Malignant against benign',
    malignancyHelp: (threshold: string) =>
      `Flagged from a malignant probability of ${threshold} on, which validation chose (the largest Youden index).`,
    /** Before the threshold's two counts. */
    found: (found: number, malignant: number) =>
      `Finds ${found} of ${malignant} malignant photographs`,
    falseAlarms: (falseAlarms: number, benign: number) =>
      `raises ${falseAlarms} false ${falseAlarms === 1 ? 'alarm' : 'alarms'} among ${benign} benign ones`,
    value: 'Value',
    sensitivity: 'Sensitivity',
    specificity: 'Specificity',
    falseAlarmShare: '1 − specificity',
    rocSummary: (auc: string, sensitivity: string, specificity: string) =>
      `ROC curve, area ${auc}; at the threshold sensitivity ${sensitivity} and specificity ${specificity}.`,
    rocOnly: (auc: string) => `ROC curve, area ${auc}.`,
    noRoc:
      'There are not both malignant and benign photographs, or the round was evaluated by an older release.',
    perClass: 'By diagnosis',
    fitzpatrick: 'By Fitzpatrick skin type',
    fitzpatrickHelp: 'Groups of fewer than 20 photographs are only counted.',
    byClinic: 'By clinic',
    columns: {
      diagnosis: 'Diagnosis',
      malignant: 'malignant',
      precision: 'Precision',
      recall: 'Recall',
      f1: 'F1',
      support: 'Photographs',
      type: 'Skin type',
      clinic: 'Clinic',
      sent: 'Sent',
      seconds: 'Time',
      norm: 'Norm',
    },
    unknown: 'not recorded',
    rounds: 'Rounds',
    roundColumns: {
      round: 'Round',
      validation: 'Validation',
      heldout: 'Held-out',
      clinics: 'Clinics',
      photographs: 'Photographs',
      up: 'Up',
      down: 'Down',
      time: 'Time',
    },
    failed: 'failed',
    showAll: (n: number) => `Show all ${n}`,
    best: 'best by validation',
    metrics: {
      balancedAccuracy: 'Balanced accuracy',
      accuracy: 'Accuracy',
      weightedF1: 'Weighted F1',
      macroF1: 'Macro F1',
      aucOvr: 'AUC, one against the rest',
      malignantAuc: 'AUC, malignant against benign',
      malignantRecall: 'Recall of malignant',
    } satisfies Record<ScoreName, string> as Record<ScoreName, string>,
    ece: 'Calibration error',
    samples: (n: string) => `${n} photographs`,
  },
  audit: {
    lead: 'Each entry’s hash covers the one before it: none can be changed, dropped or inserted unseen.',
    verify: 'Verify the chain',
    whole: (n: string) => `The chain is whole: ${n} entries.`,
    broken: (n: number) => `The chain is broken at entry ${n}. Compare the database with a backup.`,
    more: 'Older entries',
    columns: {
      seq: 'No.',
      at: 'When',
      actor: 'Who',
      action: 'What',
      detail: 'Details',
      hash: 'Hash',
    },
  },
  downloads: {
    models: 'Models',
    modelsText: 'The best round is chosen by validation. A model carries its labels.',
    best: 'Best model',
    last: 'Last model',
    of: (n: number) => (n === 0 ? 'the starting model' : `round ${n}`),
    safetensors: 'safetensors',
    safetensorsText: 'PyTorch names, for lentigo predict too',
    zip: 'tfjs and safetensors',
    zipText: 'a ZIP of model.json, its shards and model.safetensors',
    none: 'There is no model yet: it comes with the first evaluation.',
    metrics: 'Metrics',
    metricsText: 'Every round, both splits, with intervals.',
    csv: 'CSV',
    report: 'Report',
    reportText: 'The whole study on paper or as a PDF.',
    open: 'Open the report',
    yaml: 'study.yaml',
    yamlText: 'To create the same study again.',
  },
  /** Why a study or a round has ended or waits, which the coordinator says in English. */
  reasons: {
    paused: 'paused by the study coordinator',
    stopped: 'stopped by the study coordinator',
    done: (rounds: number) => `all ${rounds} rounds are done`,
    hopeless: (round: number, why: string) => `round ${round} can’t succeed: ${why}`,
    noBetter: (rounds: number) => `validation has not improved for ${rounds} rounds`,
    missed: (returned: number, of: number, quorum: number) =>
      `${returned} of ${of} clinics returned an update; the quorum is ${quorum}`,
    again: (attempts: number, why: string) =>
      `${attempts} attempts in a row missed the quorum: ${why}`,
    revoked: (left: number, quorum: number) =>
      `a clinic was revoked, and ${left} are left; the quorum is ${quorum}`,
    declined: (clinics: string, why: string) => `No update from ${clinics}: ${why}`,
    andMore: (clinics: string, n: number) => `${clinics} and ${n} more`,
  },
  /** Why a clinic declined or its update was refused, by code; another code is shown as it is. */
  codes: {
    LENTIGO_UPDATE_SAMPLES: 'fewer or more photographs than the study takes of a clinic',
    LENTIGO_UPDATE_NORM: 'the update is larger than the study allows',
    LENTIGO_UPDATE_NOT_FINITE:
      'training diverged: the learning rate is too high for its photographs',
    LENTIGO_UPDATE_LENGTH: 'the update does not fit the part of the model that is trained',
    LENTIGO_UPDATE_OTHER_BASE: 'the update was trained from another model',
    LENTIGO_UPDATE_OTHER_ROUND: 'the update belongs to another round',
    LENTIGO_UPDATE_CONFLICT: 'another update of this clinic is there already',
    LENTIGO_UPDATE_LATE: 'the update came after the round had closed',
    LENTIGO_UPDATE_MALFORMED: 'the update did not arrive whole',
    LENTIGO_UPDATE_SIGNATURE: 'the update is not signed by this clinic',
    LENTIGO_UPDATE_ALTERED: 'the update was altered on its way',
    LENTIGO_WEIGHTS_INVALID: 'the model can’t be used there',
    LENTIGO_ARCHITECTURE_UNKNOWN: 'the clinic does not have the model’s architecture',
    LENTIGO_ENCODING_UNKNOWN: 'the clinic does not have the study’s encoding',
    LENTIGO_STRATEGY_UNKNOWN: 'the clinic does not have the study’s strategy',
    LENTIGO_ENGINE_UNAVAILABLE: 'nothing there can compute the training',
    LENTIGO_BLOB_CORRUPT: 'the model did not arrive as it was sent',
    LENTIGO_DISK_FULL: 'its disk is full',
    LENTIGO_DATA_EMPTY: 'no photograph of it can be used',
    LENTIGO_DATA_METADATA_INVALID: 'the table of its photographs can’t be read',
    LENTIGO_DATA_IMAGE_MISSING: 'a photograph that its table names is missing',
    LENTIGO_DATA_UNKNOWN_DIAGNOSIS: 'none of its diagnoses is one that the model knows',
    LENTIGO_DATA_IMAGE_UNREADABLE: 'a photograph can’t be read',
    LENTIGO_PATH: 'its photographs are not where they were',
    LENTIGO_INTERNAL: 'an unexpected error there',
  } satisfies Partial<Record<ErrorCode, string>> as Record<string, string | undefined>,
  report: {
    print: 'Print',
    back: 'Back',
    made: (at: string) => `Made ${at}`,
    dates: (created: string, started: string | null, ended: string | null) =>
      `Created ${created}${started === null ? '' : `, first round ${started}`}${ended === null ? '' : `, last round ended ${ended}`}`,
    settings: 'Settings',
    trains: (words: string, first: string) => `The clinics train ${words} (from ${first} on).`,
    headline: 'Result',
    noHeadline: 'Nothing has been evaluated yet.',
    headlineText: (round: string, photographs: string) =>
      `${round}, chosen by validation, on ${photographs} held-out photographs:`,
    columns: { start: 'At the start', result: 'Result', interval: '95% interval' },
  },
  feed: {
    create: 'The study was created',
    start: 'The study was started',
    pause: 'The study was paused',
    resume: 'The study was resumed',
    stop: 'The study was stopped',
    plan: 'The next round was planned',
    open: (round: string, n: number) => `${round} opened for ${plural(n, 'clinic')}`,
    update: (clinic: string, round: string, photographs: string) =>
      `${clinic} returned its update of ${inSentence(round)}, from ${photographs} photographs`,
    refused: (clinic: string, round: string, code: string) =>
      `An update of ${clinic} in ${inSentence(round)} was refused: ${code}`,
    declined: (clinic: string, round: string, code: string) =>
      `${clinic} can’t deliver in ${inSentence(round)}: ${code}`,
    twice: (clinic: string) =>
      `Two machines connect as ${clinic}: the one that was connected was sent away`,
    change: (changes: string) => `The study was changed: ${changes}`,
    deadline: (round: string) => `${round} reached its deadline`,
    aggregated: (round: string, n: number, of: number) =>
      `${round} aggregated, ${n} of ${plural(of, 'clinic')} returned`,
    evaluated: (round: string, metric: string, score: string) =>
      `${round} evaluated: ${inSentence(metric)} ${score} on validation`,
    failed: (reason: string) => `Work failed: ${reason}`,
    invited: (clinic: string) => `${clinic} was invited`,
    enrolled: (clinic: string) => `${clinic} enrolled and waits for approval`,
    approved: (clinic: string) => `${clinic} was approved`,
    revoked: (clinic: string) => `${clinic} was revoked`,
    admin: 'study coordinator',
    coordinator: 'coordinator',
  },
};

export type Strings = typeof en;
