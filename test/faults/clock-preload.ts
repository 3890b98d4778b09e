// Loaded before a coordinator (node --import): its wall clock is off by the milliseconds that the
// file CLOCK_OFFSET_FILE holds, as it would be after someone set the machine's clock.
import { readFileSync } from 'node:fs';

const real = Date.now.bind(Date);
const RealDate = Date;
const now = () => real() + Number(readFileSync(process.env['CLOCK_OFFSET_FILE']!, 'utf8'));
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: unknown[]) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args) as Date,
  get: (target, key) => (key === 'now' ? now : (Reflect.get(target, key) as unknown)),
});
