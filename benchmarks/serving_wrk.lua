-- Sends the files of a folder in turns, as bodies or as forms; prints what came of it as one line of JSON.
-- wrk ... -s serving_wrk.lua URL -- FOLDER IMAGES (body | form)

local requests = {}
local next_one = 0

function init(args)
  for row = 0, tonumber(args[2]) - 1 do
    local file = assert(io.open(string.format("%s/%02d", args[1], row), "rb"))
    local body = file:read("*a")
    file:close()
    local headers = {["Content-Type"] = "application/octet-stream"}
    if args[3] == "form" then
      headers["Content-Type"] = "multipart/form-data; boundary=b0undary"
      body = "--b0undary\r\nContent-Disposition: form-data; name=\"image\"; filename=\"image\"\r\n\r\n"
        .. body .. "\r\n--b0undary--\r\n"
    end
    requests[row] = wrk.format("POST", "/classify", headers, body)
  end
end

function request()
  next_one = (next_one + 1) % (#requests + 1)
  return requests[next_one]
end

function done(summary, latency, _)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format(
    '{"requests": %d, "seconds": %f, "refused": %d, "failed": %d, "p50": %f, "p95": %f, "p99": %f}\n',
    summary.requests, summary.duration / 1e6, summary.errors.status, failed,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3))
end
