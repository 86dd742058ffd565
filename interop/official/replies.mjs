// Reply lines: results with their bytes as base64, and errors as {name, code, message}.

import * as S from '@signalapp/libsignal-client';

/** JSON text of a reply; every Uint8Array in it becomes base64. */
export function replyLine(reply) {
  // Looked up on the holder because a Buffer's toJSON has already replaced the second argument.
  return JSON.stringify(reply, function (key, value) {
    const bytes = this[key];
    return bytes instanceof Uint8Array ? Buffer.from(bytes).toString('base64') : value;
  });
}

/**
 * `name` is the package's own word for its error code ("Generic" for code 0), because the `name`
 * property of its errors is not dependable: for InvalidProtocolAddress it holds the address.
 * Errors that are not the package's keep their name and have no code.
 */
export function describeError(error) {
  const code = error?.code;
  const named = typeof code === 'number' ? S.ErrorCode[code] : undefined;
  return {
    name: named ?? error?.name ?? 'Error',
    code: named === undefined ? null : code,
    message: String(error?.message ?? error),
  };
}
