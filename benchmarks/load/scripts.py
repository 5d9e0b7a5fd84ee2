"""What wrk sends: Lua scripts, and the numbers that they print at the end."""

from __future__ import annotations

import json
from collections.abc import Sequence

_DONE = """
done = function(summary, latency, requests)
  local numbers = {
    requests = summary.requests, seconds = summary.duration / 1e6, mean = latency.mean / 1e3, max = latency.max / 1e3,
    status = summary.errors.status, connect = summary.errors.connect, read = summary.errors.read,
    write = summary.errors.write, timeout = summary.errors.timeout,
  }
  for _, p in ipairs({50, 90, 95, 99}) do
    numbers["p" .. p] = latency:percentile(p) / 1e3
  end
  local parts = {}
  for name, value in pairs(numbers) do
    parts[#parts + 1] = string.format('"%s": %f', name, value)
  end
  io.write("RESULT {" .. table.concat(parts, ", ") .. "}\\n")
end
"""


def paced(script: str, *, shortest_ms: int = 100, longest_ms: int = 300) -> str:
    """The same requests with a pause before each, as people and players make them; it does not count as latency."""
    return f"{script}\nfunction delay()\n  return math.random({shortest_ms}, {longest_ms})\nend\n"


def _lua(values: Sequence[str]) -> str:
    return "{" + ", ".join(json.dumps(value) for value in values) + "}"


def get(tokens: Sequence[str], paths: Sequence[str]) -> str:
    """GET requests for these paths, in turn, with these tokens, in turn."""
    return f"""
local paths = {_lua(paths)}
local tokens = {_lua(tokens)}
local n = 0
request = function()
  n = n + 1
  local headers = {{ ["Authorization"] = "Bearer " .. tokens[(n - 1) % #tokens + 1] }}
  return wrk.format("GET", paths[(n - 1) % #paths + 1], headers)
end
{_DONE}"""


def playlists(token: str, playlist_ids: Sequence[int], tracks: int) -> str:
    """Additions at the end and at the front, reads, and lists, each over all playlists in turn."""
    ids = ", ".join(str(number) for number in playlist_ids)
    return f"""
local ids = {{ {ids} }}
local n = 0
local headers = {{ ["Authorization"] = "Bearer {token}", ["Content-Type"] = "application/json" }}
request = function()
  n = n + 1
  local where = "/playlists/" .. ids[math.floor(n / 4) % #ids + 1]
  local kind = n % 4
  if kind == 0 then
    return wrk.format("POST", where .. "/entries", headers, string.format('{{"tracks": [%d]}}', n % {tracks} + 1))
  elseif kind == 1 then
    local body = string.format('{{"tracks": [%d], "position": 0}}', n % {tracks} + 1)
    return wrk.format("POST", where .. "/entries", headers, body)
  elseif kind == 2 then
    return wrk.format("GET", where .. "?limit=50", headers)
  end
  return wrk.format("GET", "/playlists", headers)
end
{_DONE}"""


def log_in(user: str, password: str) -> str:
    """Password for token, each time."""
    body = json.dumps({"user": user, "password": password})
    return f"""
wrk.method = "POST"
wrk.path = "/auth/token"
wrk.body = {json.dumps(body)}
wrk.headers["Content-Type"] = "application/json"
{_DONE}"""
