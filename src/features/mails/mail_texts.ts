import type { MailKind } from '../../core/mails.ts'
import { alertTexts } from './texts/alert.ts'
import { digestTexts } from './texts/digest.ts'
import { organizationTexts } from './texts/organization.ts'
import { personTexts } from './texts/person.ts'
import { reportTexts } from './texts/report.ts'
import type { Writers } from './texts/said.ts'
import { securityTexts } from './texts/security.ts'

/** The text of each kind of mail. */
export const mailTexts: Writers<MailKind> = {
  ...personTexts,
  ...securityTexts,
  ...organizationTexts,
  ...alertTexts,
  ...reportTexts,
  ...digestTexts,
}
