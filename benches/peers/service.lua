-- What wrk asks: the lines of the file WRK_REQUESTS, one after the other, and from the first again after the last.
-- A line is METHOD, PATH and perhaps BODY, with tabs between. How it went is written to the file WRK_OUTCOME.

local requests, last = {}, 0

function init()
  for line in io.lines(os.getenv("WRK_REQUESTS")) do
    local method, path, body = line:match("^(%u+)\t([^\t]+)\t?(.*)$")
    if body == "" then
      requests[#requests + 1] = wrk.format(method, path)
    else
      requests[#requests + 1] = wrk.format(method, path, { ["Content-Type"] = "application/json" }, body)
    end
  end
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary, latency)
  local errors = summary.errors
  local file = assert(io.open(os.getenv("WRK_OUTCOME"), "w"))
  file:write(string.format(
    '{"answers": %d, "bytes": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "failed": %d}\n',
    summary.requests, summary.bytes, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
  file:close()
end
