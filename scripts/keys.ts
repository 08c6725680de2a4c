import { randomBytes } from 'node:crypto'
import { generateJwtKeys } from '../src/features/auth/keys.ts'
import { main, parseFlags, usageError } from './dev/terminal.ts'
import { newSealingKeys } from './dev/secrets.ts'

const usage = `Makes a new value of a secret and writes it to standard output, for example to pipe into wrangler secret put.

  npm run keys -- jwt          JWT_KEYS: signs access tokens
  npm run keys -- encryption   ENCRYPTION_KEYS: seals second factors and mails in D1
  npm run keys -- metrics      METRICS_TOKEN: what a caller of /metrics must know

With --silent before keys, npm writes nothing else.`

const makers: Readonly<Record<string, () => Promise<string> | string>> = {
  jwt: async () => JSON.stringify(await generateJwtKeys()),
  encryption: () => JSON.stringify(newSealingKeys()),
  metrics: () => randomBytes(24).toString('base64url'),
}

await main(async () => {
  const parsed = parseFlags(usage, { options: {}, allowPositionals: true })
  if (parsed === undefined) return
  const [which, ...rest] = parsed.positionals
  const make = which !== undefined && Object.hasOwn(makers, which) ? makers[which] : undefined
  if (make === undefined || rest.length > 0)
    throw usageError(usage, which === undefined ? 'Say which secret.' : `"${parsed.positionals.join(' ')}" is no secret.`)
  console.log(await make())
})
