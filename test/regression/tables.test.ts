// Tables as spreadsheets and statistics programs write them: each is read as what its author meant,
// and what can't be read is refused, or left out, in words that name it.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Notes } from '../../common/dataset/notes.js';
import { openDataset } from '../../common/dataset/open.node.js';
import { readClinicTable } from '../../common/dataset/plain.js';
import { clinicRows } from '../support/tables.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lentigo-tables-'));
});
afterEach(() => rm(dir, { recursive: true }));

const IMAGE = await sharp({ create: { width: 20, height: 16, channels: 3, background: '#b07060' } })
  .jpeg()
  .toBuffer();
async function put(file: string, content: string | Uint8Array = IMAGE): Promise<void> {
  await mkdir(dirname(join(dir, file)), { recursive: true });
  await writeFile(join(dir, file), content);
}
/** Samples as "id label patient" with the folder's notes and what is left out. */
async function read(): Promise<{ samples: string[]; notes: string[]; leftOut: object }> {
  const { samples, notes = [], leftOut = {} } = await openDataset(dir);
  return {
    samples: samples.map(({ id, label, patient }) => `${id} ${label} ${patient}`),
    notes: [...notes],
    leftOut,
  };
}
const utf16 = (text: string, bigEndian = false): Uint8Array => {
  const bytes = Buffer.from(`\uFEFF${text}`, 'utf16le');
  return bigEndian ? bytes.swap16() : bytes;
};
const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1');

/** Two photographs: P1's a is a melanoma at age 45.5, P2's b a nevus at 60, of José's back. */
const AS: readonly (readonly [program: string, table: string | Uint8Array])[] = [
  [
    'plain CSV',
    'patient_id,img_id,diagnostic,age,region\nP1,a.jpg,MEL,45.5,\nP2,b.jpg,NEV,60,José\n',
  ],
  [
    'Excel in Brazil: semicolons, decimal comma, Windows-1252',
    latin1(
      'patient_id;img_id;diagnostic;age;region\r\nP1;a.jpg;MEL;45,5;\r\nP2;b.jpg;NEV;60;José\r\n',
    ),
  ],
  [
    'Excel in Germany: the same as UTF-8 with its mark, and trailing separators',
    '\uFEFFpatient_id;img_id;diagnostic;age;region;;\r\nP1;a.jpg;MEL;45,5;;;\r\nP2;b.jpg;NEV;60;José;;\r\n;;;;;;\r\n',
  ],
  [
    "Excel's first line with the separator",
    'sep=;\r\npatient_id;img_id;diagnostic;age;region\r\nP1;a.jpg;MEL;45,5;\r\nP2;b.jpg;NEV;60;José\r\n',
  ],
  [
    'Excel\'s "Unicode text": UTF-16 with tabs',
    utf16(
      'patient_id\timg_id\tdiagnostic\tage\tregion\r\nP1\ta.jpg\tMEL\t45,5\t\r\nP2\tb.jpg\tNEV\t60\tJosé\r\n',
    ),
  ],
  [
    'UTF-16, high byte first',
    utf16(
      'patient_id,img_id,diagnostic,age,region\nP1,a.jpg,MEL,45.5,\nP2,b.jpg,NEV,60,José\n',
      true,
    ),
  ],
  [
    'UTF-16 without its mark',
    utf16(
      'patient_id,img_id,diagnostic,age,region\nP1,a.jpg,MEL,45.5,\nP2,b.jpg,NEV,60,José\n',
    ).subarray(2),
  ],
  [
    'LibreOffice: all in quotes',
    '"patient_id","img_id","diagnostic","age","region"\n"P1","a.jpg","MEL","45.5",""\n"P2","b.jpg","NEV","60","José"\n',
  ],
  [
    'LibreOffice with decimal comma: quoted numbers between commas',
    'patient_id,img_id,diagnostic,age,region\nP1,a.jpg,MEL,"45,5",\nP2,b.jpg,NEV,"60,0",José\n',
  ],
  [
    "R's write.csv: row names, and NA unquoted",
    '"","patient_id","img_id","diagnostic","age","region"\n"1","P1","a.jpg","MEL",45.5,NA\n"2","P2","b.jpg","NEV",60,"José"\n',
  ],
  [
    "R's write.csv2",
    '"";"patient_id";"img_id";"diagnostic";"age";"region"\n"1";"P1";"a.jpg";"MEL";45,5;NA\n"2";"P2";"b.jpg";"NEV";60;"José"\n',
  ],
  [
    "R's write.table: row names without a name above them",
    '"patient_id"\t"img_id"\t"diagnostic"\t"age"\t"region"\n"1"\t"P1"\t"a.jpg"\t"MEL"\t45.5\tNA\n"2"\t"P2"\t"b.jpg"\t"NEV"\t60\t"José"\n',
  ],
  [
    "R's names, with points",
    'Patient.ID,img.id,diagnostic,age,region\nP1,a.jpg,MEL,45.5,NA\nP2,b.jpg,NEV,6e+01,José\n',
  ],
  [
    "pandas' to_csv: an index, and floats",
    ',patient_id,img_id,diagnostic,age,region\n0,P1,a.jpg,MEL,45.5,\n1,P2,b.jpg,NEV,60.0,José\n',
  ],
  [
    'pandas, its index read and written again, nan as text',
    'Unnamed: 0,patient_id,img_id,diagnostic,age,region\n0,P1,a.jpg,MEL,45.5,nan\n1,P2,b.jpg,NEV,60.0,José\n',
  ],
  [
    'SPSS: tabs, capitals, padded cells',
    'PATIENT_ID\tIMG_ID\tDIAGNOSTIC\tAGE\tREGION\r\nP1      \ta.jpg   \tMEL  \t   45,50\t        \r\nP2      \tb.jpg   \tNEV  \t   60,00\tJosé    \r\n',
  ],
  [
    'SAS: . for missing',
    'patient_id,img_id,diagnostic,age,region\nP1,a.jpg,MEL,45.5,.\nP2,b.jpg,NEV,60,José\n',
  ],
  [
    'SQL: NULL, pipes',
    'patient_id|img_id|diagnostic|age|region\nP1|a.jpg|MEL|45.5|NULL\nP2|b.jpg|NEV|60|José\n',
  ],
  [
    'MySQL: \\N and tabs',
    'patient_id\timg_id\tdiagnostic\tage\tregion\nP1\ta.jpg\tMEL\t45.5\t\\N\nP2\tb.jpg\tNEV\t60\tJosé\n',
  ],
  [
    'Google Sheets: #N/A, no last line end, spaces in the header',
    'Patient ID, Img ID ,Diagnostic,Age,Region\r\nP1,a.jpg,MEL,45.5,#N/A\r\nP2,b.jpg,NEV,60,José',
  ],
  [
    "Numbers: the table's title above the header",
    'Table 1,,,,\npatient_id,img_id,diagnostic,age,region\nP1,a.jpg,MEL,45.5,\nP2,b.jpg,NEV,60,José\n',
  ],
  [
    'an old Mac: lines end by CR',
    'patient_id,img_id,diagnostic,age,region\rP1,a.jpg,MEL,45.5,\rP2,b.jpg,NEV,60,José\r',
  ],
  [
    'two files put together: mixed line ends, empty rows, the header again',
    'patient_id,img_id,diagnostic,age,region\r\nP1,a.jpg,MEL,45.5,\r\n\r\n,,,,\r\npatient_id,img_id,diagnostic,age,region\nP2,b.jpg,NEV,60,José\n',
  ],
  [
    'cells with the other separators in them',
    'patient_id;img_id;diagnostic;age;region;note\nP1;a.jpg;MEL;45,5;;"one; two, three, ""four""\nfive | six"\nP2;b.jpg;NEV;60;José;no, none, nothing\n',
  ],
  [
    'a header with commas in its last name',
    'patient_id;img_id;diagnostic;age;region;note (free, short, if any)\nP1;a.jpg;MEL;45,5;;x\nP2;b.jpg;NEV;60;José;y\n',
  ],
  [
    'other capitals and spaces in the diagnoses',
    'patient_id,img_id,diagnostic,age,region\nP1,a.jpg, mel,45.5,\nP2,b.jpg,Nev ,60,José\n',
  ],
  [
    'English names of the diagnoses, and of the columns',
    'Patient,File,Diagnosis,Age,Body site\nP1,a.jpg,Melanoma,45.5,\nP2,b.jpg,melanocytic naevus,60,José\n',
  ],
  [
    'columns in German and Portuguese, and paths of Windows',
    'Paciente;Datei;Diagnóstico;Idade;region\nP1;.\\a.jpg;melanoma;45,5;\nP2;C:\\Fotos\\b.jpg;nevus;60;José\n',
  ],
];

describe('a table is read the same', () => {
  it.each(AS)('%s', async (_, table) => {
    await put('a.jpg');
    await put('b.jpg');
    await put('metadata.csv', table);
    const { samples, problems, leftOut } = await openDataset(dir);
    expect([problems, leftOut]).toEqual([[], undefined]);
    expect(
      samples.map(({ label, patient, clinical, origin }) => [
        label,
        patient,
        clinical!['age'],
        clinical!['region'],
        origin,
      ]),
    ).toEqual([
      ['MEL', 'P1', 45.5, undefined, { file: join(dir, 'a.jpg') }],
      ['NEV', 'P2', 60, 'José', { file: join(dir, 'b.jpg') }],
    ]);
    const { rows } = await clinicRows(table);
    expect(rows.map(({ fields }) => [fields.patient_id, fields.age, fields.region])).toEqual([
      ['P1', 45.5, undefined],
      ['P2', 60, 'José'],
    ]);
  });

  it('says that it was not UTF-8', async () => {
    const { notes } = await clinicRows(latin1('img_id;diagnostic;patient_id\na;MEL;José\n'));
    expect(notes).toEqual(['the table is not in UTF-8: it was read as Windows-1252 (Latin-1)']);
  });

  it("is read whatever piece of the file comes first, to Windows' own letters", async () => {
    const bytes = Buffer.from(
      'img_id,diagnostic,patient_id\r\na,MEL,"x\x93y""\r\nz"\r\nb,NEV,P2',
      'latin1',
    );
    for (let size = 1; size < 12; size++) {
      const source = {
        name: 'metadata.csv',
        async *open() {
          for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
        },
      };
      const read = await readClinicTable([source], new Notes());
      expect(read!.rows.map(({ line, id, patient }) => [line, id, patient])).toEqual([
        [2, 'a', 'x“y"\r\nz'],
        [3, 'b', 'P2'],
      ]);
    }
  });
});

describe('words for missing', () => {
  it.each([
    'NaN',
    'nan',
    'None',
    'NULL',
    'NA',
    'N/A',
    'n/a',
    '<NA>',
    '.',
    '-',
    '?',
    'missing',
    '#N/A',
    '',
  ])('%s is an empty cell, of numbers as of text', async (word) => {
    await put('a.jpg');
    await put(
      'metadata.csv',
      `patient_id,img_id,diagnostic,fitspatrick,age,gender\nP0,a.jpg,ACK,${word},${word},${word}\n`,
    );
    const { samples, notes } = await openDataset(dir);
    expect(notes).toEqual([]);
    expect(samples[0]).toMatchObject({ fitzpatrick: undefined });
    expect(samples[0]!.clinical).toEqual({
      fitspatrick: undefined,
      age: undefined,
      gender: undefined,
    });
  });

  it('in a column that is needed is named by row and column', async () => {
    await put('metadata.csv', 'patient_id,img_id,diagnostic\nP1,a.jpg,MEL\nNaN,b.jpg,NEV\n');
    await expect(openDataset(dir)).rejects.toMatchObject({
      code: 'LENTIGO_DATA_METADATA_INVALID',
      message: `${join(dir, 'metadata.csv')}: row 3, column patient_id is empty (it is "NaN")`,
    });
  });

  it('rows without an image or a diagnosis are left out and counted', async () => {
    await put('a.jpg');
    await put(
      'metadata.csv',
      'patient_id,img_id,diagnostic\nP1,a.jpg,MEL\nP2,,NEV\nP3,n/a,NEV\nP4,d.jpg,NA\n(4 rows affected)\n',
    );
    expect(await read()).toEqual({
      samples: ['a MEL P1'],
      notes: ['3 rows left out: no image named (row 3, 4, 6)'],
      leftOut: { 'no diagnosis': 1 },
    });
  });
});

describe('what is not needed', () => {
  it('never refuses a table: it is left empty, counted and named', async () => {
    const rows = [
      ['55', '6', 'III'],
      ['ca. 45', '12 mm', '7'],
      ['>90', '~4', 'type ii'],
      ['n.k.', '1.234,5', 'dark'],
      ['-9', '0x10', 'IV'],
      ['45 years', 'Infinity', '3.0'],
    ].map(([age, diameter, skin], i) => `P${i},i${i}.jpg,MEL,"${age}","${diameter}",${skin}`);
    for (const i of rows.keys()) await put(`i${i}.jpg`);
    await put(
      'metadata.csv',
      ['patient_id,img_id,diagnostic,age,diameter_1,fitspatrick', ...rows].join('\n'),
    );
    const { samples, notes } = await openDataset(dir);
    expect(
      samples.map(({ fitzpatrick, clinical }) => [
        fitzpatrick,
        clinical!['age'],
        clinical!['diameter_1'],
      ]),
    ).toEqual([
      [3, 55, 6],
      [undefined, undefined, undefined],
      [2, undefined, undefined],
      [undefined, undefined, undefined],
      [4, undefined, undefined],
      [3, undefined, undefined],
    ]);
    expect(notes).toEqual([
      'column fitspatrick: 2 cells left empty, where it is no skin type from 1 to 6 ("7" in row 3, "dark" in row 5)',
      'column age: 5 cells left empty, where it is no number from 0 to 130 ("ca. 45" in row 3, ">90" in row 4, "n.k." in row 5, …)',
      'column diameter_1: 5 cells left empty, where it is no number from 0 to 1,000 ("12 mm" in row 3, "~4" in row 4, "1.234,5" in row 5, …)',
    ]);
  });

  it('a row that ends early has empty cells', async () => {
    const { rows } = await clinicRows(
      'img_id,diagnostic,patient_id,age,gender\na,MEL,P1\nb,NEV,P2,60\n',
    );
    expect(rows.map(({ fields }) => [fields.patient_id, fields.age, fields.gender])).toEqual([
      ['P1', undefined, undefined],
      ['P2', 60, undefined],
    ]);
  });
});

describe('what stands twice', () => {
  const refused = async (table: string, message: RegExp): Promise<void> => {
    await put('metadata.csv', table);
    const error = {
      code: 'LENTIGO_DATA_METADATA_INVALID',
      message: expect.stringMatching(message),
    };
    await expect(openDataset(dir)).rejects.toMatchObject(error);
    await expect(clinicRows(table)).rejects.toMatchObject(error);
  };

  it('a column is refused by name, whatever its capitals', async () => {
    await refused(
      'patient_id,img_id,diagnostic,diagnostic\nP1,a.jpg,MEL,NEV\n',
      /column "diagnostic" stands twice \(column 3: "diagnostic", column 4: "diagnostic"\)/,
    );
    await refused(
      'patient_id,img_id,diagnostic,Patient ID\nP1,a.jpg,MEL,P2\n',
      /column "patient_id" stands twice \(column 1: "patient_id", column 4: "Patient ID"\)/,
    );
    await refused(
      'patient_id,img_id,diagnostic,age,age\nP1,a.jpg,MEL,4,5\n',
      /column "age" stands twice/,
    );
  });

  it('a column that is not read is said', async () => {
    const { notes } = await clinicRows(
      'patient_id,img_id,diagnostic,note,note\nP1,a.jpg,MEL,x,y\n',
    );
    expect(notes).toEqual(['column "note" stands twice; it is not read']);
  });

  it('an image with different content is refused with both rows', async () => {
    await refused(
      'patient_id,img_id,diagnostic\nP1,a.jpg,MEL\nP2,b.jpg,NEV\nP1,a.jpg,NEV\n',
      /rows 2 and 4, column img_id: a.jpg stands twice, with different content/,
    );
    await refused(
      'patient_id,img_id,diagnostic,age\nP1,a.jpg,MEL,40\nP1,a.jpg,MEL,41\n',
      /rows 2 and 3, column img_id: a.jpg stands twice/,
    );
  });

  it.each([
    ['an archive', ',patient_id,img_id,diagnostic\n0,P1,a.jpg,MEL\n1,P1,a.jpg,MEL\n'],
    ["a clinic's own", 'file,dx,patient,remark\na.jpg,mel,P1,x\na.jpg,mel,P1,y\n'],
  ])('an image with the same content counts once, and is said: %s', async (_, table) => {
    await put('a.jpg');
    await put('metadata.csv', table);
    expect((await clinicRows(table)).rows).toHaveLength(1);
    expect(await read()).toEqual({
      samples: ['a MEL P1'],
      notes: ['1 row left out: the same as a row before (row 3)'],
      leftOut: {},
    });
  });
});

describe('what is needed and wrong is named', () => {
  it.each([
    [
      'a,b,MEL\n',
      /column img_id is missing; the table has patient_id, diagnostic, age/,
      'patient_id,diagnostic,age\n',
    ],
    [
      'P1,a.jpg,MEL,x,y\n',
      /row 2 has 5 cells, and the header 3: is there a separator in a cell/,
      undefined,
    ],
    ['P1,a.jpg,"MEL\nP2,b.jpg,NEV\n', /row 2: a quote \("\) is not closed/, undefined],
    [
      'P1,a.jpg,"MEL" x\n',
      /row 2: a quote \("\) is not closed, or not doubled in its cell/,
      undefined,
    ],
    ['', /the table has no rows/, undefined],
    ['', /the table has no rows/, ''],
    ['', /is a file of Excel, LibreOffice or Numbers \(or a zip\), not a CSV/, 'PK\x03\x04\x14'],
  ])('%j', async (rows, message, header = 'patient_id,img_id,diagnostic\n') => {
    await put('metadata.csv', header + rows);
    await expect(openDataset(dir)).rejects.toMatchObject({
      code: 'LENTIGO_DATA_METADATA_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it.each([
    ['number,finding', /no columns for file and diagnosis: it has number, finding/],
    ['file,finding', /no column for diagnosis: it has file, finding/],
    [
      'File Name,Remark,Patient ID',
      /no column for diagnosis: it has File Name, Remark, Patient ID/,
    ],
    ['number,dx', /no column for file: it has number, dx/],
    [
      'image,MEL,NV,BCC,AKIEC,BKL,DF,VASC',
      /a column for each diagnosis \(MEL, NV, BCC, AKIEC, BKL, DF, VASC\).*: write one column diagnosis/,
    ],
  ])('the columns that are lacking: %s', async (header, message) => {
    const table = `${header}\n${header.replaceAll(/[^,]+/g, '1')}\n`;
    for (const name of ['metadata.csv', 'mine.csv']) {
      await put(name, table);
      const error = {
        code: 'LENTIGO_DATA_METADATA_INVALID',
        message: expect.stringMatching(message),
      };
      await expect(openDataset(dir)).rejects.toMatchObject(error);
      await rm(join(dir, name));
    }
  });

  it("a table's columns are called as it calls them", async () => {
    await put('a.jpg');
    const german = 'Datei;Diagnose;Patient;Alter\na.jpg;mel;1;alt\n';
    await put('labels.csv', german);
    expect((await read()).notes).toEqual([
      'column Alter: 1 cell left empty, where it is no number from 0 to 130 ("alt" in row 2)',
    ]);
    expect((await clinicRows(german)).notes.join()).toContain('column Alter');
    await put('labels.csv', 'file,diagnosis,patient\na.jpg,mel,1\na.jpg,nv,1\n');
    await expect(openDataset(dir)).rejects.toThrow(
      'rows 2 and 3, column file: a.jpg stands twice, with different content',
    );
    await put('labels.csv', 'file,diagnosis,Set\na.jpg,mel,dev\n');
    await expect(openDataset(dir)).rejects.toThrow(/row 2, column Set is none of train/);
  });

  it('patients in two splits, with the rows that say so', async () => {
    const rows = ['a,mel,1,train', 'b,nv,1,test', 'c,nv,2,train'];
    await put('labels.csv', ['file,dx,patient,split', ...rows].join('\n'));
    await expect(openDataset(dir)).rejects.toMatchObject({
      code: 'LENTIGO_DATA_SPLIT_LEAK',
      message: expect.stringMatching(
        /: 1 patient is in more than one split: 1 \(row 2: train, row 3: test\)$/,
      ),
    });
    await put('labels.csv', ['file,dx,patient,split', ...rows, 'd,nv,2,val'].join('\n'));
    await expect(openDataset(dir)).rejects.toThrow(
      '2 patients are in more than one split: 1 (row 2: train, row 3: test), 2 (row 4: train, row 5: validation)',
    );
    await put('labels.csv', ['file,dx,patient,split', ...rows, 'd,nv,2,'].join('\n'));
    await expect(openDataset(dir)).rejects.toThrow('row 5 names no split, while other rows name');
  });

  it('diagnoses of which none is known are listed, with those that are', async () => {
    await put(
      'metadata.csv',
      'patient_id,img_id,diagnostic\nP1,a.jpg,wart\nP2,b.jpg,wart\nP3,c.jpg,\n',
    );
    await expect(openDataset(dir)).rejects.toMatchObject({
      code: 'LENTIGO_DATA_UNKNOWN_DIAGNOSIS',
      message: expect.stringContaining(
        'It has "wart" (2), empty cells (1); known are ACK, BCC, MEL, NEV, SCC, SEK',
      ),
    });
  });
});

describe('plain input', () => {
  it('is a CSV of file and diagnosis, of any name; each photograph is then its own patient, as is said', async () => {
    await put('photos/a.jpg');
    await put('photos/b.jpg');
    await put('README.txt', 'my photographs, of 2026\n');
    await put(
      'My photographs.csv',
      'file,diagnosis\nphotos/a.jpg,melanoma\nphotos\\b,nv\nc.jpg,wart\n',
    );
    expect(await read()).toEqual({
      samples: ['photos/a MEL photos/a', 'photos/b NEV photos/b'],
      notes: [
        'nothing says which photographs are of one patient: each counts as a patient of its own',
      ],
      leftOut: { 'unknown diagnosis "wart"': 1 },
    });
  });

  it('with patients keeps them together; rows without one are said', async () => {
    for (const name of ['a', 'b', 'c']) await put(`${name}.jpg`);
    await put('metadata.csv', 'image,label,patient\na,BCC,7\nb,bcc,7\nc,SCC,\n');
    expect(await read()).toEqual({
      samples: ['a BCC 7', 'b BCC 7', 'c SCC c'],
      notes: ['1 row without a patient: each counts as its own (row 4)'],
      leftOut: {},
    });
  });

  it('with the same name in two folders means the one in the folder that the row names', async () => {
    for (const file of ['mel/1.jpg', 'nev/1.jpg', 'nev/2.jpg']) await put(file);
    await put('labels.csv', 'path,dx\nmel/1.jpg,mel\nnev/1.jpg,nv\n/data/x/nev/2.jpg,nv\n');
    const { samples } = await openDataset(dir);
    expect(samples.map(({ id, origin }) => [id, origin])).toEqual([
      ['mel/1', { file: join(dir, 'mel/1.jpg') }],
      ['nev/1', { file: join(dir, 'nev/1.jpg') }],
      ['data/x/nev/2', { file: join(dir, 'nev/2.jpg') }],
    ]);
  });

  it('two such tables are refused by name, and one without the columns names what it has', async () => {
    await put('a.jpg');
    await put('one.csv', 'file,diagnosis\na,mel\n');
    await put('two.csv', 'file,diagnosis\na,nv\n');
    await expect(openDataset(dir)).rejects.toThrow(/several tables .*one.csv, .*two.csv. Keep one/);
    await rm(join(dir, 'one.csv'));
    await put('two.csv', 'number,finding\n1,nv\n');
    await expect(openDataset(dir)).rejects.toThrow(
      /two.csv: no columns for file and diagnosis: it has number, finding/,
    );
  });

  it('is found beside another table that has the name of an archive', async () => {
    await put('a.jpg');
    await put('metadata.csv', 'camera,exposure\nX,1/60\n');
    await put('labels.csv', 'file,diagnosis,patient\na.jpg,mel,7\n');
    expect((await read()).samples).toEqual(['a MEL 7']);
  });

  it.each(['Final Diagnosis', 'Histopathology', 'pathology', 'dx_final', 'Diagnóstico'])(
    'may call the diagnosis "%s"',
    async (column) => {
      await put('a.jpg');
      await put('labels.csv', `File Name,${column},Patient ID\na.jpg,melanoma,7\n`);
      expect((await read()).samples).toEqual(['a MEL 7']);
    },
  );

  it('in folders called by diagnoses, a table that can’t be read as one is said', async () => {
    await put('melanoma/a.jpg');
    await put('patients.csv', 'patient,age\n1,60\n');
    const { samples, notes } = await read();
    expect(samples).toEqual(['melanoma/a MEL melanoma/a']);
    expect(notes.join()).toMatch(
      /no table of photographs: .*patients.csv: no columns for file and/,
    );
  });

  it('knows diagnoses by code and by name, in any form', async () => {
    const names: Readonly<Record<string, string>> = {
      ACK: 'Ceratose actínica,actinic_keratosis,Actinic Keratoses,akiec,AK,solar keratosis',
      BCC: 'bcc,Basal-cell carcinoma,BASAL CELL CARCINOMA,basal cell carcinomas',
      MEL: 'mel,Melanoma,melanomas,malignant melanoma,Melanoma in situ',
      NEV: 'Nevo,Nävus,nv,nevus,Nevi,naevi,Melanocytic Nevi,mole,moles',
      SCC: 'scc,squamous cell carcinoma,Bowen’s disease',
      SEK: 'bkl,sk,Seborrhoeic keratosis,benign keratosis-like lesions,seborrheic keratoses',
    };
    const rows = Object.entries(names).flatMap(([label, all]) =>
      all.split(',').map((name, i) => [`${label}-${i}`, name] as const),
    );
    for (const [id] of rows) await put(`${id}.jpg`);
    await put('labels.csv', ['file,dx', ...rows.map((row) => row.join(','))].join('\n'));
    const { samples, leftOut } = await openDataset(dir);
    expect(leftOut).toBeUndefined();
    expect(samples.map(({ id, label }) => [id, label])).toEqual(
      rows.map(([id]) => [id, id.slice(0, 3)]),
    );
  });

  it("is read in a study's own labels, whatever their capitals", async () => {
    await put('a.jpg');
    await put('b.jpg');
    await put('labels.csv', 'file,dx\na,WART\nb,mel\n');
    const { samples, leftOut } = await openDataset(dir, {
      labels: { names: ['wart', 'MEL'], malignant: ['MEL'] },
    });
    expect(samples.map(({ label }) => label)).toEqual(['wart', 'MEL']);
    expect(leftOut).toBeUndefined();
  });

  it('is a folder for each diagnosis', async () => {
    for (const file of [
      'melanoma/x.jpg',
      'melanoma/more/y.jpg',
      'Basal cell carcinoma/x.jpg',
      'NV/x.jpg',
      'warts/x.jpg',
      'z.jpg',
    ])
      await put(file);
    expect(await read()).toEqual({
      samples: [
        'Basal cell carcinoma/x BCC Basal cell carcinoma/x',
        'NV/x NEV NV/x',
        'melanoma/more/y MEL melanoma/more/y',
        'melanoma/x MEL melanoma/x',
      ],
      notes: [
        "the folders' names are the diagnoses",
        'nothing says which photographs are of one patient: each counts as a patient of its own',
      ],
      leftOut: { 'folder "warts" names no diagnosis': 1, 'not in the folder of a diagnosis': 1 },
    });
  });

  it('is a folder for each diagnosis in a folder for each split', async () => {
    for (const file of [
      'train/benign/a.jpg',
      'train/malignant/b.jpg',
      'val/benign/c.jpg',
      'test/malignant/d.jpg',
    ])
      await put(file);
    const { samples } = await openDataset(dir);
    expect(samples.map(({ id, label, split }) => `${id} ${label} ${split}`)).toEqual([
      'test/malignant/d malignant heldout',
      'train/benign/a benign train',
      'train/malignant/b malignant train',
      'val/benign/c benign validation',
    ]);
  });
});
