import type { AlertNoticeKind, AlertSeverity } from '../../core/alerts.ts'

/*
 * Colours of mails: each text on its ground has a contrast of at least 4.5:1 (WCAG 2.2, 1.4.3), which test/unit/mails measures.
 * The dark ones stand in a style sheet, which programs without dark mode, or with one of their own, may leave out.
 */
export const light = {
  page: '#f3f4f6',
  card: '#ffffff',
  code: '#f3f4f6',
  line: '#d1d5db',
  text: '#1f2937',
  muted: '#4b5563',
  link: '#1d4ed8',
} as const

export const dark: Readonly<Record<keyof typeof light, string>> = {
  page: '#0b1120',
  card: '#1e293b',
  code: '#0f172a',
  line: '#475569',
  text: '#f1f5f9',
  muted: '#cbd5e1',
  link: '#93c5fd',
}

/** White words stand on these, in light and dark. */
export const white = '#ffffff'
export const buttonGround = '#1d4ed8'
export const severityGround: Readonly<Record<AlertSeverity, string>> = {
  critical: '#991b1b',
  error: '#b93815',
  warning: '#854d0e',
  info: '#1d4ed8',
}
export const resolvedGround = '#166534'
export const testGround = '#4b5563'

/** The ground of the word that says what happened. */
export function noticeGround(kind: AlertNoticeKind, severity: AlertSeverity): string {
  if (kind === 'resolved') return resolvedGround
  return kind === 'test' ? testGround : severityGround[severity]
}
