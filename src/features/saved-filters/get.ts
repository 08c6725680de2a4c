import type { TenantCtx } from '../../db/context.ts'
import type { SavedFilterJson } from './schema.ts'
import { filterJson, findFilter } from './visible.ts'

/** An own or shared filter; 404 for any other. */
export async function getSavedFilter(ctx: TenantCtx, id: string): Promise<SavedFilterJson> {
  return filterJson(await findFilter(ctx, id))
}
