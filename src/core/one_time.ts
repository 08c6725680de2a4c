/** What a single-use token proves; a token of one kind is never taken for another. */
export const oneTimeTokenKinds = ['verify_email', 'reset_password', 'set_password'] as const
export type OneTimeTokenKind = (typeof oneTimeTokenKinds)[number]
