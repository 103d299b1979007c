-- wrk -s ask.lua URL: posts the bodies in the file that BODIES names, one a line, in turn to ASKED_PATH;
-- prints JSON.
local requests = {}
local turn = 0

function init()
  local headers = { ['Content-Type'] = 'application/json' }
  for body in io.lines(os.getenv('BODIES')) do
    requests[#requests + 1] = wrk.format('POST', os.getenv('ASKED_PATH'), headers, body)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout + errors.status
  io.write(string.format('\n{"micros":%d,"requests":%d,"bytes":%d,"failed":%d}\n',
    summary.duration, summary.requests, summary.bytes, failed))
end
