/**
 * How many cases a property or simulation tries, as a share of its usual number: TEST_EFFORT=0.2 for a quick look (npm run
 * verify), 1 in npm test, 50 for a night's run.
 */
const effort = Number(process.env['TEST_EFFORT'] ?? 1)

export function runs(usual: number): number {
  return Math.max(1, Math.ceil(usual * effort))
}
