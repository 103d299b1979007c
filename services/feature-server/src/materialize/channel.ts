import type { ChildProcess } from 'node:child_process'
import type {
  MaterializationJob,
  MaterializationProgress,
  MaterializedView,
} from '@usdcop/feast/registry/materialization'
import { ServiceError } from '@usdcop/service/errors'
import type { Fault } from './fault.ts'

/** What is said about runs between a process that wants them and one that has them. */
export type RunMessage =
  | { readonly type: 'usdcop:run'; readonly id: number; readonly job: MaterializationJob }
  | { readonly type: 'usdcop:run-cancel'; readonly id: number }
  | {
      readonly type: 'usdcop:run-progress'
      readonly id: number
      readonly progress: MaterializationProgress
    }
  | {
      readonly type: 'usdcop:run-done'
      readonly id: number
      readonly views: readonly MaterializedView[]
    }
  | { readonly type: 'usdcop:run-failed'; readonly id: number; readonly fault: Fault }

/** The way to the other process. */
export interface Channel {
  /** Reaches nobody once the other process has ended. */
  send(message: RunMessage): void
  /** Hears every message, those of others included. */
  onMessage(listener: (message: RunMessage) => void): void
  /** Hears why nothing comes any more. */
  onEnd(listener: (reason: ServiceError) => void): void
}

/** To a process that this one forked. */
export function channelToChild(child: ChildProcess): Channel {
  return {
    send: (message) => sendTo(child, message),
    onMessage: (listener) => child.on('message', listener),
    onEnd(listener) {
      child.once('exit', (code, signal) =>
        listener(lost(signal === null ? `with the status ${code}` : `by ${signal}`)),
      )
    },
  }
}

/** To the process that forked this one. */
export function channelToParent(): Channel {
  return {
    send: (message) => sendTo(process, message),
    onMessage: (listener) => process.on('message', listener),
    onEnd: (listener) => process.once('disconnect', () => listener(lost('before its children'))),
  }
}

function sendTo(to: Pick<ChildProcess, 'connected'> | NodeJS.Process, message: RunMessage): void {
  // Its end, which may come first, is told by an event of its own.
  if (to.connected) (to as ChildProcess).send(message, () => {})
}

function lost(how: string): ServiceError {
  return new ServiceError(
    'materialization_lost',
    `the process that materialized ended ${how}; views that it had not finished are as before`,
  )
}
