// The clinic's app in a real browser, driven as a person drives it; and photographs for it, in a
// folder as PAD-UFES-20 is published.
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import sharp from 'sharp';
import { openDataset } from '../../common/dataset/open.node.js';
import type { Sample } from '../../common/dataset/sample.js';
import { type Look, openWindow } from './pages.js';

export const PASSPHRASE = 'Löwenzahn im Wind';

/** On a busy machine everything takes its time. */
const PATIENCE = 90_000;

export class ClinicApp {
  readonly window: BrowserContext;
  readonly page: Page;
  constructor(page: Page) {
    this.window = page.context();
    this.page = page;
  }
  /** @param search such as ?engine=webgpu */
  static async open(
    browser: Browser,
    coordinator: string,
    { invitation, search = '', look }: { invitation?: string; search?: string; look?: Look } = {},
  ): Promise<ClinicApp> {
    const window = await openWindow(browser, look);
    window.setDefaultTimeout(PATIENCE);
    const page = await window.newPage();
    await page.goto(
      `${coordinator}/clinic/${search}${invitation ? `#invitation=${invitation}` : ''}`,
    );
    return new ClinicApp(page);
  }
  button(name: string | RegExp): Locator {
    return this.page.getByRole(
      'button',
      typeof name === 'string' ? { name, exact: true } : { name },
    );
  }
  /** A text that is on the screen somewhere. */
  async sees(text: string | RegExp): Promise<void> {
    await this.page.getByText(text).locator('visible=true').first().waitFor();
  }
  async standing(text: string): Promise<void> {
    await this.page.getByTestId('standing').filter({ hasText: text }).first().waitFor();
  }
  async go(page: 'Photographs' | 'Take part' | 'Predict' | 'Settings'): Promise<void> {
    await this.page.getByRole('link', { name: page, exact: true }).locator('visible=true').click();
    await this.page.getByRole('heading', { level: 1 }).waitFor();
  }
  async setPassphrase(): Promise<void> {
    await this.button(/^(Begin|Set up without an invitation)$/).click();
    await this.page.getByLabel('Passphrase', { exact: true }).fill(PASSPHRASE);
    await this.page.getByLabel('The same once more').fill(PASSPHRASE);
    await this.button('Set passphrase').click();
    await this.page.getByRole('link', { name: 'Photographs' }).locator('visible=true').waitFor();
  }
  /** From the welcome to the fingerprint, which is returned as it is read out. */
  async enrol(name: string): Promise<string> {
    await this.setPassphrase();
    await this.page.getByLabel('Name of your clinic').fill(name);
    await this.button('Enrol').click();
    return (await this.page.getByTestId('fingerprint').locator('> :first-child').textContent())!;
  }
  async unlock(passphrase: string): Promise<void> {
    await this.page.getByLabel('Passphrase', { exact: true }).fill(passphrase);
    await this.button('Unlock').click();
  }
  async importFolder(folder: string): Promise<void> {
    await this.go('Photographs');
    await this.page.getByTestId('import-folder').setInputFiles(folder);
    await this.page.getByText(/photographs? added/).waitFor({ timeout: 4 * PATIENCE });
  }
}

/** Writes synthetic lesions as metadata.csv and images. @param spec as for --data */
export async function writePhotographs(folder: string, spec: string): Promise<readonly Sample[]> {
  await mkdir(join(folder, 'images'), { recursive: true });
  const { samples } = await openDataset(spec);
  const rows = ['patient_id,lesion_id,age,fitspatrick,region,diagnostic,itch,img_id,biopsed'];
  for (const [i, sample] of samples.entries()) {
    const { id, patient, label, fitzpatrick } = sample;
    const { data, width, height } = await sample.load();
    await sharp(data, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 90 })
      .toFile(join(folder, 'images', `${id}.jpg`));
    rows.push(
      `${patient},${i},${30 + (i % 50)},${fitzpatrick}.0,FOREARM,${label},True,${id}.jpg,False`,
    );
  }
  await writeFile(join(folder, 'metadata.csv'), `${rows.join('\n')}\n`);
  return samples;
}

/** A certificate for 127.0.0.1 that signs itself; undefined where there is no openssl. */
export function selfSigned(folder: string): { cert: string; key: string } | undefined {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  try {
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=Coordinator',
        '-addext',
        'subjectAltName=IP:127.0.0.1',
        '-keyout',
        key,
        '-out',
        cert,
      ],
      { stdio: 'pipe' },
    );
    return { cert, key };
  } catch {
    return undefined;
  }
}
