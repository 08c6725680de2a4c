import { setTimeout as wait } from 'node:timers/promises'
import { TOTP, URI } from 'otpauth'
import { CommandError } from '../dev/terminal.ts'

/** An authenticator app that scanned the address of a second factor. */
export interface Authenticator {
  /** A code that was not used yet. The server takes those of the neighbouring half minutes too, so only a third one waits. */
  nextCode(): Promise<string>
}

export function scan(otpauthUri: string): Authenticator {
  const totp = URI.parse(otpauthUri)
  if (!(totp instanceof TOTP)) throw new CommandError('The second factor is not time-based.', 'Look at src/features/auth/totp.ts.')
  const stepMs = totp.period * 1000
  let last = 0
  return {
    async nextCode() {
      const now = totp.counter()
      last = Math.max(last + 1, now)
      if (last > now + 1) await wait(totp.remaining() + (last - now - 2) * stepMs)
      return totp.generate({ timestamp: last * stepMs })
    },
  }
}
