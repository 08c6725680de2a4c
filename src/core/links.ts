/* Addresses that notifications and mails carry. */

/** What a link shows: logs of a query in a time range. */
export interface LogsLink {
  organizationId: string
  q: string
  /** RFC 3339. */
  from: string
  to: string
}

/**
 * Where these logs are found. Whose they are stands behind the `#`: a person's session is in one organization at a time, and a
 * client that reads the link sees by it which one is meant.
 */
export function logsUrl(publicUrl: string, { organizationId, q, from, to }: LogsLink): string {
  const query = new URLSearchParams({ ...(q !== '' && { q }), from, to })
  return `${publicUrl}/api/v1/logs/search?${query.toString()}#organization=${organizationId}`
}

export function ruleUrl(publicUrl: string, { organizationId, ruleId }: { organizationId: string; ruleId: string }): string {
  return `${publicUrl}/api/v1/alerts/${ruleId}#organization=${organizationId}`
}
