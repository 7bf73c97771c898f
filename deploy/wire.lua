-- What HAProxy's own HTTP parser does not do, on the bytes before and behind it (docs/adr/0021-compose.md).
--
-- Towards the service: a request that can be read in two ways is refused. HAProxy would mend some of them, such as
-- two equal lengths, and hide from the API what it refuses. Such a request is spoiled here, so that HAProxy's parser
-- refuses it and ends the connection, as it does with all others that are not well-formed.
--
-- Towards the client: what the parser says by itself is a page of HTML that no setting changes. It becomes a problem
-- document with the connection's trace id.

-- The API's own bounds: src/angarium/api/transport/http_parser.py and
-- src/angarium/api/interface.py.
local MAX_REQUEST_LINE = 8 * 1024
local MAX_HEADERS = 16 * 1024
local MAX_FIELDS = 100
local MAX_BODY = 64 * 1024
local MAX_CHUNK_LINE = 1024

-- No parser takes this for a part of a head, nor for a chunk's size.
local SPOILED = "\0\r\n\0\r\n\r\n"

local LONGEST_ANSWER = 700

local REASONS = {[400] = "Bad Request", [408] = "Request Timeout", [413] = "Content Too Large",
    [414] = "URI Too Long",
    [431] = "Request Header Fields Too Large", [500] = "Internal Server Error", [501] = "Not Implemented"}

local MALFORMED = {status = 400, code = "malformed_request", title = "The request is not well-formed HTTP",
    detail = "The request can be read in no way, or in two. Send it as RFC 9112 says."}
local URI_TOO_LONG = {status = 414, code = "uri_too_long", title = "The target is too long",
    detail = "The request's line has more than 8,192 bytes; shorten the target."}
local HEADERS_TOO_LARGE = {status = 431, code = "headers_too_large", title = "The header fields are too large",
    detail = "The request has more than 16,384 bytes of header fields, or more than 100 of them; send fewer."}
local BODY_TOO_LARGE = {status = 413, code = "body_too_large", title = "The body is too large",
    detail = "The body has more than 65,536 bytes; send fewer."}
local REFUSALS = {
    ["408"] = {status = 408, code = "request_timeout", title = "The request did not arrive in time",
        detail = "The request's head was not complete in time; send it at once."},
    ["500"] = {status = 500, code = "internal_error", title = "The service failed",
        detail = "The balancer could not read the request. Try again."},
    ["501"] = {status = 501, code = "not_implemented", title = "The method is unknown",
        detail = "A request with a body cannot ask for another protocol; leave out Upgrade."},
}

local function problem(refusal, trace_id)
    local body = string.format(
        '{"type":"/problems#%s","title":"%s","status":%d,"detail":"%s","code":"%s","trace_id":"%s"}',
        refusal.code, refusal.title, refusal.status, refusal.detail, refusal.code, trace_id)
    return string.format(
        "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\n" ..
        "X-Trace-Id: %s\r\nConnection: close\r\n\r\n%s",
        refusal.status, REASONS[refusal.status], #body, trace_id, body)
end

-- Where HAProxy's own last answer begins, its status, and its trace id where it has one: the parser's page, or what
-- haproxy.cfg says of a body that was spoiled behind its head.
local function own_answer(tail)
    local from, status, title = tail:match(
        "()HTTP/1%.1 (%d%d%d) [^\r\n]*\r\n[%w%-:; ,/\r\n]-\r\n\r\n<html><body><h1>(%d%d%d) ")
    if from and status == title then
        return from, status
    end
    local trace_id
    from, trace_id = tail:match('()HTTP/1%.1 400 .*"code":"malformed_request","trace_id":"(%x+)"}$')
    return from, "400", trace_id
end

local Wire = {id = "wire"}
Wire.__index = Wire

function Wire:new()
    return setmetatable({state = Wire.in_head, partial = "", left = 0, size = 0, trailers = 0, refusal = nil}, Wire)
end

function Wire:start_analyze(_, channel)
    filter.register_data_filter(self, channel)
end

function Wire:tcp_payload(txn, channel)
    if channel:input() == 0 then
        return  -- Called for something else than data.
    elseif channel:is_resp() then
        self:answer(txn, channel)
    elseif self.state then
        self:receive(channel)
    else
        channel:remove()  -- Behind a refused request nobody reads, and who wrote to a closed end would miss the answer.
    end
end

-- Replace the parser's page, which is always the last thing on a connection.
function Wire:answer(txn, channel)
    local count = math.min(LONGEST_ANSWER, channel:input())
    local last = channel:data(-2, 2)
    if last ~= ">\n" and not (self.refusal and last:sub(2) == "}") then
        return
    end
    local tail = channel:data(-count, count)
    local from, status, trace_id = own_answer(tail)
    if from then
        local refusal = self.refusal or REFUSALS[status] or MALFORMED
        channel:set(problem(refusal, trace_id or txn.f:unique_id()), from - 1 - #tail)
    end
end

-- Follow requests, byte for byte, to know where each begins; spoil the first that is wrong.
function Wire:receive(channel)
    local data = channel:data(0, channel:input())
    local at = 1
    while at <= #data do
        local next_at = self.state(self, data, at)
        if next_at == nil then
            self.state = nil
            self.partial = ""
            channel:set(SPOILED, at - 1)
            return
        end
        at = next_at
    end
end

-- Each state takes what it can of the data and returns where the rest begins, or nil when the request is wrong.

function Wire:in_head(data, at)
    -- RFC 9112, 2.2: empty lines before a request are passed over; one
    -- may come in two pieces. Nothing is copied for them.
    if self.partial == "" and data:find("^\r\n", at) then
        return at + 2
    elseif self.partial == "\r" and data:find("^\n", at) then
        self.partial = ""
        return at + 1
    end
    local head = self.partial .. data:sub(at, at + MAX_REQUEST_LINE + MAX_HEADERS + 8)
    local from = math.max(1, #self.partial - 3)
    local ends = head:find("\r\n\r\n", from, true)
    local seen = ends and head:sub(1, ends + 3) or head
    if seen:find("^\n") or seen:find("[^\r]\n", from) or seen:find("\r[^\n]", from)
        or seen:find("[\0-\8\11\12\14-\31\127]", from) then
        return nil
    end
    if self:is_too_long(seen, ends) then
        return nil
    end
    if not ends then
        self.partial = head
        return #data + 1
    end
    local taken = ends + 3 - #self.partial
    self.partial = ""
    return self:read_head(seen) and at + taken or nil
end

function Wire:is_too_long(head, ends)
    local line = (head:find("\r\n", 1, true) or #head + 1) - 1
    if line > MAX_REQUEST_LINE then
        self.refusal = URI_TOO_LONG
    elseif (ends or #head) - line > MAX_HEADERS + 4 then
        self.refusal = HEADERS_TOO_LARGE
    end
    return self.refusal ~= nil
end

function Wire:read_head(head)
    local line, fields = head:match("^([^\r]*)\r\n(.*)\r\n$")
    local method, minor = line:match("^(%S+) %S+ HTTP/1%.(%d)$")
    if method == nil then
        return false
    end
    local values, count = {}, 0
    for field in fields:gmatch("([^\r]+)\r\n") do
        local name, value = field:match("^([^%s:]+):[ \t]*(.-)[ \t]*$")
        if name == nil then
            return false  -- No colon, a space before it, or a line that goes on with the one before.
        end
        name = name:lower()
        if values[name] and (name == "content-length" or name == "transfer-encoding" or name == "host") then
            return false
        end
        values[name] = value
        count = count + 1
    end
    if count > MAX_FIELDS then
        self.refusal = HEADERS_TOO_LARGE
        return false
    end
    return self:read_framing(method, minor, values["content-length"], values["transfer-encoding"])
end

function Wire:read_framing(method, minor, length, encoding)
    if (length or encoding) and method == "CONNECT" then
        return false
    end
    if encoding then
        self.state = Wire.in_line
        self.size = 0
        return length == nil and minor ~= "0" and encoding:lower() == "chunked"
    end
    if length == nil then
        return true
    end
    local digits = length:match("^0*(%d*)$")
    if digits == nil or length == "" then
        return false
    end
    if #digits > 15 then
        self.refusal = BODY_TOO_LARGE  -- Of a length that HAProxy cannot count; the API refuses the others.
        return false
    end
    self.left = tonumber(digits) or 0
    self.state = self.left > 0 and Wire.in_body or Wire.in_head
    return true
end

function Wire:in_body(data, at)
    local taken = math.min(self.left, #data - at + 1)
    self.left = self.left - taken
    if self.left == 0 then
        self.state = Wire.in_head
    end
    return at + taken
end

function Wire:in_chunk(data, at)
    at = self:in_body(data, at)
    self.state = self.left == 0 and Wire.behind_chunk or Wire.in_chunk
    return at
end

function Wire:behind_chunk(data, at)
    local wanted = ("\r\n"):sub(#self.partial + 1)
    local got = data:sub(at, at + #wanted - 1)
    if wanted:sub(1, #got) ~= got then
        return nil
    end
    self.partial = self.partial .. got
    if #self.partial == 2 then
        self.partial = ""
        self.state = Wire.in_line
    end
    return at + #got
end

-- A chunk's size, or a line of the trailer behind the last one.
function Wire:in_line(data, at)
    local feed = data:find("\n", at, true)
    local line = self.partial .. data:sub(at, feed or #data)
    if #line > (self.trailers > 0 and MAX_HEADERS or MAX_CHUNK_LINE) + 2 then
        return nil
    end
    if feed == nil then
        self.partial = line
        return #data + 1
    end
    self.partial = ""
    line = line:match("^([^\r]*)\r\n$")
    if line == nil or line:find("[\0-\8\10-\31\127]") or not self:read_line(line) then
        return nil
    end
    return feed + 1
end

function Wire:read_line(line)
    if self.trailers > 0 then
        self.trailers = self.trailers + 1
        if line == "" then
            self.trailers = 0
            self.state = Wire.in_head
            return true
        end
        return self.trailers <= MAX_FIELDS and line:find("^[^%s:]+:") ~= nil
    end
    local size = line:match("^(%x+)$") or line:match("^(%x+)[ \t]*;.*$")
    local digits = size and size:match("^0*(%x*)$")
    if digits == nil or #size > 16 or #digits > 12 then
        return false
    end
    if digits == "" then
        self.trailers = 1
        return true
    end
    self.left = tonumber(digits, 16)
    self.size = self.size + self.left
    if self.size > MAX_BODY then
        self.refusal = BODY_TOO_LARGE  -- HAProxy passes a chunk's size on only with its data.
        return false
    end
    self.state = Wire.in_chunk
    return true
end

core.register_filter("wire", Wire, function(wire) return wire end)
