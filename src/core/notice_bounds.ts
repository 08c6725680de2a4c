import type { AlertNotice } from './alerts.ts'
import { jsonBytes, cutJson } from './json_bytes.ts'
import { alertNoticeBytesMax, alertNoticeTextBytesMax } from './limits.ts'

/** Of what a sample names its log by. */
const labelBytesMax = 500

/**
 * The notice with long texts cut, and with as many of its groups as keep it within `alertNoticeBytesMax` of JSON: what is left without
 * groups is far below. It is cut before it is stored, since one that D1 does not take would keep the state of its rule from being
 * written as well.
 */
export function boundedNotice(notice: AlertNotice): AlertNotice {
  const { rule, logs, error, organization } = notice
  const short: AlertNotice = {
    ...notice,
    organization: { ...organization, name: text(organization.name) },
    rule: {
      ...rule,
      name: text(rule.name),
      description: text(rule.description),
      // Cut it would lead somewhere else.
      runbook_url: rule.runbook_url !== null && text(rule.runbook_url) !== rule.runbook_url ? null : rule.runbook_url,
      condition: text(rule.condition),
      q: text(rule.q),
    },
    logs: logs.map((log) => ({
      ...log,
      severity: cutJson(log.severity, labelBytesMax),
      source: cutJson(log.source, labelBytesMax),
      message: text(log.message),
    })),
    error: error === null ? null : text(error),
  }
  let { groups } = short
  while (groups.length > 0 && jsonBytes({ ...short, groups }) > alertNoticeBytesMax) groups = groups.slice(0, -1)
  return { ...short, groups }
}

function text(whole: string): string {
  return cutJson(whole, alertNoticeTextBytesMax)
}
