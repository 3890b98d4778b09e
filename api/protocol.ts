// `lentigo/protocol`: the messages between clinics, coordinator and console, as schemas and types,
// and the keys, seals and signatures around them.
export * from '../common/protocol/primitives.js';
export * from '../common/protocol/enrolment.js';
export * from '../common/protocol/handshake.js';
export * from '../common/protocol/round.js';
export * from '../common/protocol/study.js';
export * from '../common/protocol/console.js';
export * from '../common/protocol/update.js';
export {
  clinicIdOf,
  createIdentity,
  fingerprint,
  type Identity,
} from '../common/crypto/identity.js';
export { sealUpdate, type UpdateClaims } from '../common/crypto/envelope.js';
