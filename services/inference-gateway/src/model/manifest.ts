import { z } from 'zod'

const SHAPE_COLUMNS = 15

const digest = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits')
const tensor = (columns: number) =>
  z.strictObject({
    name: z.string().min(1),
    /** Rows are free; null says so. */
    shape: z.tuple([z.union([z.null(), z.literal(1)]), z.literal(columns)]),
    dtype: z.literal('float32'),
  })

/** What must be known of a model to run it rightly; it lies beside the model's file. */
export const Manifest = z.object({
  name: z.string().min(1),
  version: z.string().min(1),
  format: z.literal('onnx'),
  /** Name of the model's file, in the manifest's own folder. */
  file: z.string().regex(/^[\w.-]+$/, 'expected a plain file name'),
  sha256: digest,
  contractHash: digest,
  input: tensor(SHAPE_COLUMNS),
  output: tensor(1),
  /** In the order of the input's columns. */
  features: z.array(z.string()).length(SHAPE_COLUMNS),
  action: z
    .object({
      kind: z.literal('continuous'),
      low: z.number(),
      high: z.number(),
      squash: z.literal('clip'),
    })
    .refine(({ low, high }) => low < high, 'low must be below high'),
  training: z.unknown().optional(),
  /** Normalised observations and the raw action the model must answer, to 1e-5. */
  goldenVectors: z
    .array(z.object({ observation: z.array(z.number()).length(SHAPE_COLUMNS), action: z.number() }))
    .min(3),
})
export type Manifest = z.infer<typeof Manifest>
