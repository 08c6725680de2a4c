import { passwordCharsMax, passwordCharsMin } from './limits.ts'

const distinctCharsMin = 4

/** What people choose when ten characters are asked for; compared without case. */
const common = new Set(
  `0123456789 01234567890 0987654321 1234567890 12345678910 123456789a 123456789q 1234512345 1234567891 1122334455
  1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc 1qazxsw23edc q1w2e3r4t5 q1w2e3r4t5y6 qazwsxedc1 qazwsxedcrfv
  qwertyuiop qwertyuiop1 qwerty1234 qwerty12345 qwerty123456 asdfghjkl1 asdfghjkl123 zxcvbnm123 zxcvbnm1234
  abcdefghij abcdefghijk abc1234567 abc123456789 abcd123456 abcd1234567 a123456789 aa123456789
  password00 password01 password10 password11 password12 password123 password1234 password12345 password123456
  password12! password123! password2025 password2026 passw0rd123 p@ssw0rd123 p@ssword123 passwordpassword
  iloveyou12 iloveyou123 iloveyou1234 letmein123 letmein1234 welcome123 welcome1234 welcome2026 changeme123 changeme1234
  administrator admin12345 admin123456 administrator1 rootroot123 secret1234 secret12345 testtest123 test123456 default123
  football123 baseball123 basketball sunshine123 princess123 superman123 michael123 jennifer123 monkey12345 dragon12345
  trustno1trustno1 whatever123 starwars123 computer123 internet123 edgelog123 edgelog1234 edgelogedgelog`.split(/\s+/),
)

/** Why this password cannot be taken, or undefined. Length and guessability only; no rules about kinds of characters. */
export function passwordComplaint(password: string, email: string): string | undefined {
  if (!password.isWellFormed()) return 'must be well-formed Unicode'
  if (password.length < passwordCharsMin) return `must have at least ${passwordCharsMin} characters`
  if (password.length > passwordCharsMax) return `must have at most ${passwordCharsMax} characters`
  const plain = password.normalize('NFKC').toLowerCase()
  if (plain === email || plain === email.split('@')[0]) return 'must not be the e-mail address'
  if (common.has(plain)) return 'is one of the most used passwords'
  if (new Set(plain).size < distinctCharsMin) return `must have at least ${distinctCharsMin} different characters`
  return undefined
}
