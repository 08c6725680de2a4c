import { generateJwtKeys } from '../src/features/auth/keys.ts'

// `npm run --silent keys`: a new value of the secret JWT_KEYS on standard output, to pipe into `wrangler secret put`.
console.log(JSON.stringify(await generateJwtKeys()))
