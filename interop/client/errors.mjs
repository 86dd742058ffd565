// What can go wrong, named for what a caller can do about it.

/** The relay said no. `code` is one of the table in docs/relay-api.md; `detail` is what comes with it. */
export class Refused extends Error {
  name = 'Refused';

  constructor(code, detail = {}) {
    super(detail.message ?? code);
    this.code = code;
    this.detail = detail;
  }
}

/** The socket is gone; what was not answered may or may not have been accepted. */
export class Lost extends Error {
  name = 'Lost';

  /** `code` is the close code. */
  constructor(code) {
    super(`the socket closed with code ${code}`);
    this.code = code;
  }
}

/** An account has another identity key than before: nothing is sent to it until that is accepted. */
export class IdentityChanged extends Error {
  name = 'IdentityChanged';

  constructor(account) {
    super(`the identity key of ${account} changed`);
    this.account = account;
  }
}

/** A file is not what its sender uploaded. */
export class Tampered extends Error {
  name = 'Tampered';
}
