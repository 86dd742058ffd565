// Safety numbers.

import * as S from '@signalapp/libsignal-client';

export const fingerprintOperations = {
  fingerprint(_world, fields) {
    const fingerprint = fingerprintOf(fields);
    return {
      display: fingerprint.displayableFingerprint().toString(),
      scannable: fingerprint.scannableFingerprint().toBuffer(),
    };
  },

  fingerprintCompare(_world, fields) {
    const mine = fingerprintOf(fields).scannableFingerprint();
    // compare() takes no bytes, and there is no public way to import what was scanned.
    const scanned = S.ScannableFingerprint._fromBuffer(fields.bytes('scanned'));
    return { matches: mine.compare(scanned) };
  },
};

function fingerprintOf(fields) {
  return S.Fingerprint.new(
    fields.number('iterations'),
    fields.number('version'),
    fields.bytes('localId'),
    fields.publicKey('localKey'),
    fields.bytes('remoteId'),
    fields.publicKey('remoteKey'),
  );
}
