import { isCommonPassword } from './common_passwords.ts'
import { passwordCharsMax, passwordCharsMin } from './limits.ts'

/** Whose password it is to be: what others know of the person cannot make it. */
export interface PasswordOwner {
  email: string
  /** Of the person, and of the organization or account. */
  names?: readonly (string | null | undefined)[]
}

const distinctCharsMin = 4
/** Shorter words of the owner (Ann, Li) stand in too many others to be looked for. */
const ownWordCharsMin = 4
/** Digits and signs that are hung on a common password: `password123!`. */
const appendage = /[\d\p{P}\p{S}]{1,4}$/u

/** What is wrong with the form of a new password, or undefined. Length only; no rules about kinds of characters. */
export function passwordFormComplaint(password: string): string | undefined {
  if (!password.isWellFormed()) return 'must be well-formed Unicode'
  if (password.length < passwordCharsMin) return `must have at least ${passwordCharsMin} characters`
  if (password.length > passwordCharsMax) return `must have at most ${passwordCharsMax} characters`
  return undefined
}

/** Why this password cannot be the owner's, or undefined: its form, how many others have it, what it is made of. */
export function passwordComplaint(password: string, owner: PasswordOwner): string | undefined {
  const form = passwordFormComplaint(password)
  if (form !== undefined) return form
  const plain = password.normalize('NFKC').toLowerCase()
  if (isCommonPassword(plain) || isCommonPassword(plain.replace(appendage, ''))) return 'is one of the most used passwords'
  if (new Set(plain).size < distinctCharsMin) return `must have at least ${distinctCharsMin} different characters`
  if (charsBesideOwnWords(plain, owner) < passwordCharsMin)
    return `must have at least ${passwordCharsMin} characters beside your name, e-mail address and organization`
  return undefined
}

/** How long the password is without the owner's words in it, however they are written: `J.o.h.n` is John. */
function charsBesideOwnWords(plain: string, owner: PasswordOwner): number {
  const folded = fold(plain)
  const words = ownWords(owner)
  if (folded.length >= ownWordCharsMin && words.some((word) => word.includes(folded))) return 0
  const rest = words.reduce((text, word) => text.replaceAll(word, ' '.repeat(word.length)), folded)
  return plain.length - (rest.length - rest.replaceAll(' ', '').length)
}

/** Whole texts and their words, the longest first, so that a whole one goes before its parts. */
function ownWords({ email, names = [] }: PasswordOwner): string[] {
  const [local = '', domain = ''] = email.split('@')
  // The last label of a domain is a word of everybody.
  const labels = domain.split('.').slice(0, -1)
  const texts = [email, local, domain, ...labels, ...names, 'edgelog'].filter((text) => text !== null && text !== undefined)
  const words = texts.flatMap((text) => [text, ...text.split(/[^\p{L}\p{N}\p{M}]+/u)]).map(fold)
  return [...new Set(words)].filter((word) => word.length >= ownWordCharsMin).toSorted((a, b) => b.length - a.length)
}

/** Letters and digits only, without case and accents. */
function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[^\p{L}\p{N}]/gu, '')
    .toLowerCase()
    .normalize('NFC')
}
