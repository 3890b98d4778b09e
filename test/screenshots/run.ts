// `npm run screenshots [-- NAME…]`: makes the pictures in docs/screenshots, of all pages or of
// those named.
import { launchBrowser, noBrowser } from '../support/browser.js';
import { capture } from './capture.js';
import { clinicShots } from './clinic.js';
import { consoleShots } from './console.js';

if (noBrowser) throw new Error(noBrowser);
const browser = await launchBrowser();
try {
  for (const shotsOf of [consoleShots, clinicShots]) {
    const { shots, close } = await shotsOf();
    try {
      await capture(browser, shots, process.argv.slice(2));
    } finally {
      await close();
    }
  }
} finally {
  await browser.close();
}
