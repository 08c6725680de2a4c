export interface PasswordCost {
  /** log2 of N. */
  ln: number
  r: number
  p: number
}

/** What a new password hash costs: OWASP's scrypt setting with 32 MiB; about 0.3 s. Tests in the real runtime have one of their own. */
export const passwordCost: PasswordCost = { ln: 15, r: 8, p: 3 }
