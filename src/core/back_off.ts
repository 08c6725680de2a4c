import { jobRetrySeconds, jobRetrySecondsMax } from './limits.ts'

/**
 * Seconds to wait after so many failed attempts: twice as long each time, up to an hour, less a part of up to half that the key
 * decides, so that not all come at once.
 */
export function backOffSeconds(key: string, attempts: number): number {
  const wait = Math.min(jobRetrySecondsMax, jobRetrySeconds * 2 ** (attempts - 1))
  let hash = attempts
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) >>> 0
  return Math.ceil(wait * (1 - (hash % 1000) / 2000))
}
