/** Fields of answers whose text is a secret, whatever it looks like. */
const secretField = /("(?:secret|otpauth_uri|password)": ?")([^"]*)/g
const recoveryCodes = /("recovery_codes": ?\[)[^\]]*/g
/** Access tokens, API keys, and the tokens of mails and refreshes. */
const secretWord = /\b(?:eyJ[\w-]+\.[\w-]+\.[\w-]+|elk_[a-z]+_\w+|[\w-]{43,})/g

/** The text with its secrets cut short: what the tour prints may be kept and shown. */
export function redact(text: string): string {
  return text
    .replace(secretField, (_, name: string) => `${name}...`)
    .replace(recoveryCodes, (_, name: string) => `${name}...`)
    .replace(secretWord, (secret) => `${secret.slice(0, secret.startsWith('elk_') ? 14 : 6)}...`)
}
