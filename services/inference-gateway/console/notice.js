/**
 * The one line that says what the reader must know before trusting the numbers, and nothing when
 * all is well. It is the page's live region.
 *
 * @import { Connection } from './connection.js'
 * @import { ConsoleState } from './state.js'
 */
import { byId, setData, setText } from './dom.js'
import { formatDate, formatTime } from './format.js'

const CONNECTION_WORDS = { connecting: 'Connecting', live: 'Connected', waiting: 'Disconnected' }

export function createNotice() {
  const notice = byId('notice')
  const connectionNode = byId('connection')
  const connectionText = byId('connection-text')
  return {
    /**
     * @param {ConsoleState | null} state
     * @param {Connection} connection
     * @param {number} retryInMs until the next attempt
     */
    render(state, connection, retryInMs) {
      setData(connectionNode, 'state', connection.state)
      setText(connectionText, describeConnection(connection, retryInMs))
      const { kind, text } = noticeOf(state, connection)
      setData(notice, 'kind', kind)
      setText(notice, text)
    },
  }
}

/**
 * @param {Connection} connection
 * @param {number} retryInMs
 */
function describeConnection({ state }, retryInMs) {
  const words = CONNECTION_WORDS[state]
  return state === 'waiting' ? `${words}, retry in ${Math.ceil(retryInMs / 1_000)} s` : words
}

/**
 * Only what stays true for a while: a countdown here would be read out every second.
 *
 * @param {ConsoleState | null} state
 * @param {Connection} connection
 * @returns {{ kind: 'none' | 'lost' | 'info', text: string }}
 */
export function noticeOf(state, connection) {
  if (connection.state === 'waiting')
    return {
      kind: 'lost',
      text: state
        ? 'Disconnected. What you see is the last that was received; trying again by itself.'
        : 'The gateway does not answer; trying again by itself.',
    }
  if (!state) return { kind: 'none', text: '' }
  const { status, bars } = state
  const newest = bars.at(-1)
  if (status.state === 'finished') {
    const place = newest ? `, ${formatDate(newest.barTime)} ${formatTime(newest.barTime)} UTC` : ''
    return {
      kind: 'info',
      text: `End of data. This is the last bar${place}, and the clock stands.`,
    }
  }
  if (status.state === 'loading')
    return { kind: 'info', text: 'Loading history. Decisions begin when it is in.' }
  return { kind: 'none', text: '' }
}
