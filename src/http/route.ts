import type { Context } from 'hono'
import type * as z from 'zod'
import type { Env } from '../config.ts'
import type { AccountPermission, Permission } from '../core/permissions.ts'
import type { ProblemCode } from '../core/problems.ts'
import type { AccountCtx, BaseCtx, TenantCtx, UserCtx } from '../db/context.ts'

/** Hono's view of a request: bindings, and the context that the first middleware builds. */
export interface AppEnv {
  Bindings: Env
  /** `ctx` is what the route's access promises; `replyHeaders` go on the answer whatever it becomes, a problem included. */
  Variables: { base: BaseCtx; ctx: BaseCtx; replyHeaders: Record<string, string> | undefined }
}

/**
 * Who may call: anybody, a signed-in person, staff of the deployment, a person (by role) or API key (by scope) with a
 * permission in an organization, or a person with a permission in an account (src/core/permissions.ts).
 */
export type Access = 'public' | 'session' | 'staff' | Permission | AccountPermission
export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'
type CtxOf<A extends Access> = A extends 'public'
  ? BaseCtx
  : A extends 'session' | 'staff'
    ? UserCtx
    : A extends AccountPermission
      ? AccountCtx
      : TenantCtx

/** A reply whose bytes the handler makes itself (a stream, CSV, a WebSocket); it returns a `Response`. */
export interface RawReply {
  readonly kind: 'raw'
  readonly contentType: string
  readonly description: string
}
/** A reply without a body. */
export interface EmptyReply {
  readonly kind: 'empty'
  readonly description: string
}
export type ReplySpec = z.ZodType | RawReply | EmptyReply
type Replies = Record<number, ReplySpec>
type Shape = z.ZodObject | undefined
type Body = z.ZodType | undefined
type Out<S extends z.ZodType | undefined> = S extends z.ZodType ? z.output<S> : undefined

/** The same with arrays that may be readonly: what a literal in a `const` position is. */
type Loose<T> = T extends readonly (infer U)[] ? readonly Loose<U>[] : T extends object ? { [K in keyof T]: Loose<T[K]> } : T

/** What a handler returns: one of the declared statuses with its body, or a `Response` where a raw reply is declared. */
export type Reply<R extends Replies> = {
  [S in keyof R & number]: R[S] extends z.ZodType
    ? { status: S; body: Loose<z.input<R[S]>>; headers?: Record<string, string> | undefined }
    : R[S] extends EmptyReply
      ? { status: S; headers?: Record<string, string> | undefined }
      : Response
}[keyof R & number]

export interface RouteSpec<A extends Access, P extends Shape, Q extends Shape, B extends Body, R extends Replies> {
  /** Unique; `noun.verb`. Becomes the operationId, and names the route in logs. */
  id: string
  method: Method
  /** From the root, with `:name` parameters, without a trailing slash. */
  path: string
  summary: string
  description?: string
  access: A
  /**
   * The tenant is the one whose id is the path's `:id`, not the one of `X-Organization-Id` or the default one. `deleted`: also while
   * it is deleted, to restore it.
   */
  tenant?: 'path' | 'deleted'
  /** A person must have proved the password in this session within `stepUpMs`. */
  stepUp?: true
  param?: P
  /** Strict objects only: unknown parameters are refused. A repeated parameter arrives as an array. */
  query?: Q
  /** The JSON body, at most `jsonBytesMax` bytes. It may be left out where the schema is optional. */
  json?: B
  /** `jsonBodyBytesMax` unless told. */
  jsonBytesMax?: number
  /** The body may also come as application/x-www-form-urlencoded. */
  form?: true
  /** A body that the handler reads itself, as a stream; it counts the bytes. */
  body?: { types: readonly string[]; bytesMax: number }
  replies: R
  /** Problems beyond those that follow from access, parameters and body. */
  problems: readonly ProblemCode[]
  /** Pages of other sites may have a browser send it: what proves the right to it is in the request itself, and no cookie counts. */
  crossSite?: true
  /** Free of rate limits (health checks). */
  unlimited?: true
}

export type AnyRouteSpec = RouteSpec<Access, Shape, Shape, Body, Replies>
export interface AnyReply {
  status: number
  body?: unknown
  headers?: Record<string, string> | undefined
}
export interface AnyInput {
  param: unknown
  query: unknown
  json: unknown
}

export interface Route {
  readonly spec: AnyRouteSpec
  handle(input: AnyInput, ctx: BaseCtx, c: Context<AppEnv>): Promise<AnyReply | Response>
}

/**
 * Pairs one operation's contract with its handler. The contract drives authentication, validation, types, the
 * OpenAPI document and the generated tests. `const T` keeps the literals
 * of what the handler returns (`status: 'ok'`).
 */
export function route<
  const A extends Access,
  const R extends Replies,
  P extends Shape = undefined,
  Q extends Shape = undefined,
  B extends Body = undefined,
  const T extends Reply<NoInfer<R>> = Reply<NoInfer<R>>,
>(
  spec: RouteSpec<A, P, Q, B, R>,
  handle: (
    input: { param: Out<NoInfer<P>>; query: Out<NoInfer<Q>>; json: Out<NoInfer<B>> },
    ctx: CtxOf<NoInfer<A>>,
    c: Context<AppEnv>,
  ) => Promise<T>,
): Route {
  // The pipeline hands over exactly what the contract promises, so the erasure below is sound.
  return { spec, handle }
}

export function rawReply(contentType: string, description: string): RawReply {
  return { kind: 'raw', contentType, description }
}

export function emptyReply(description: string): EmptyReply {
  return { kind: 'empty', description }
}

/** Whether a body or parameter may be left out. */
export function isOptional(schema: z.ZodType): boolean {
  return schema.safeParse(undefined).success
}

export function isSchema(reply: ReplySpec): reply is z.ZodType {
  return 'safeParse' in reply
}
