import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { routes } from '../src/routes.ts'
import { root } from './dev/settings.ts'
import { main, parseFlags } from './dev/terminal.ts'
import { permissionsDocument } from './permissions/document.ts'

const usage = `Writes src/core/PERMISSIONS.md, the document of who may do what, anew.

  npm run permissions`

await main(async () => {
  if (parseFlags(usage, { options: {} }) === undefined) return
  writeFileSync(join(root, 'src/core/PERMISSIONS.md'), permissionsDocument(routes))
})
