import { expect, test } from 'vitest'
import { broken, type Fault } from './broken.ts'
import { checkout } from './files.ts'
import { imageFindings } from './images.ts'

const files = checkout()

test('images come from the images files alone, and each is pinned', () => {
  expect(imageFindings(files)).toEqual([])
})

const BASE = 'docker-compose.yml'
const LOGGING = 'docker-compose.logging.yml'
const LOKI = 'image: ${LOKI_IMAGE:?run scripts/stack/prepare.sh first}'

test.for<Fault>([
  {
    in: LOGGING,
    from: LOKI,
    to: 'image: grafana/loki:3.7.8',
    says: 'loki names its image itself: grafana/loki:3.7.8',
  },
  {
    in: LOGGING,
    from: LOKI,
    to: 'image: grafana/loki:3.7.8',
    says: 'LOKI_IMAGE runs nothing, and not loki',
  },
  {
    in: LOGGING,
    from: LOKI,
    to: 'image: ${LOKI_IMAGE:-grafana/loki:3.7.8}',
    says: 'loki names its image itself: ${LOKI_IMAGE:-grafana/loki:3.7.8}',
  },
  {
    in: LOGGING,
    from: '${LOKI_IMAGE:?',
    to: '${ALLOY_IMAGE:?',
    says: 'ALLOY_IMAGE runs alloy, loki, and not alloy',
  },
  {
    in: BASE,
    from: 'image: usdcop/inference-gateway:${USDCOP_VERSION:-0.1.0}',
    to: 'image: example/gateway:1',
    says: 'inference-gateway names its image itself: example/gateway:1',
  },
  {
    in: BASE,
    from: 'NODE_IMAGE: ${NODE_IMAGE:?run scripts/stack/prepare.sh first}',
    to: 'NODE_IMAGE: node:24',
    says: 'secrets-broker is built on node:24',
  },
  {
    in: 'docker/Dockerfile',
    from: 'FROM $NODE_IMAGE AS build',
    to: 'FROM node:24-slim AS build',
    says: 'docker/Dockerfile starts from node:24-slim',
  },
  {
    in: 'docker/standin/redis/Dockerfile',
    from: 'FROM $BASE',
    to: 'FROM redis:8',
    says: 'docker/standin/redis/Dockerfile starts from redis:8',
  },
  {
    in: 'images.env',
    from: 'LOKI_IMAGE=',
    to: '# LOKI_IMAGE=',
    says: 'images.env lacks LOKI_IMAGE',
  },
  {
    in: 'images.standin.env',
    from: 'LOKI_IMAGE=',
    to: 'TEMPO_IMAGE=',
    says: 'images.standin.env names TEMPO_IMAGE, which nobody expects',
  },
  {
    in: 'images.env',
    from: '@sha256:1107dd5274',
    to: '@sha256:1107',
    says: 'LOKI_IMAGE has a digest that is none',
  },
  {
    in: 'images.env',
    from: 'v1.20.1@sha256:2aa2099af76c0098d4af7a4d6e48f86cb66dc1a000222ad927a1c67c6542d13f',
    to: 'v1.20.1',
    says: 'ALLOY_IMAGE has no digest and does not say why',
  },
  {
    in: 'images.env',
    from: '# digest: 5 of 5 files agree; one',
    to: '# One',
    says: 'ALLOY_IMAGE does not say how its digest was found',
  },
  {
    in: 'images.env',
    from: 'mlflow:v3.16.1-full',
    to: 'mlflow:latest',
    says: 'MLFLOW_IMAGE has no tag with a version',
  },
])('finds that $says', (fault) => {
  expect(imageFindings(broken(files, fault))).toContain(fault.says)
})
