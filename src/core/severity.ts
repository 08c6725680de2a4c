/** The six severities in rising order; a severity is stored as its index here. */
export const severities = ['TRACE', 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'] as const

export type Severity = (typeof severities)[number]

/** Index into `severities`. */
export type SeverityIndex = 0 | 1 | 2 | 3 | 4 | 5
