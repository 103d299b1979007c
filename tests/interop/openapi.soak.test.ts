import { testOpenApi } from './drop-in/openapi.ts'

testOpenApi(1_000, 1_800_000)
