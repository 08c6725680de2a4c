import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { routes } from '../src/routes.ts'
import { root } from './dev/settings.ts'
import { permissionsDocument } from './permissions/document.ts'

/** `npm run permissions`: writes the document of who may do what anew. */
writeFileSync(join(root, 'src/core/PERMISSIONS.md'), permissionsDocument(routes))
