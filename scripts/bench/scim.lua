-- scim.lua: what wrk sends. Arguments after the --, the first of which is what to do:
--   create PATH FILE FIRST   POST of the user in FILE, numbered from FIRST on
--   find PATH USERS          GET with a filter on the userName of one of so many users
--   turns PATH FILE          PATCH: adds the member on a line of FILE, removes it, and so on with the next line
--   crowd PATH FILE          PATCH: adds all of them, then removes all of them, and so on
-- SCIM_KEY: the key. Prints requests a second, the median of their seconds, their number and how many failed.
local threads = 0

function setup(thread)
    thread:set('thread_number', threads)
    threads = threads + 1
end

local method, next_path, next_body

-- The same as numbered() in scim_template.sql.
local function numbered(text, number)
    return (text:gsub('77777', string.format('%05d', number % 250)):gsub('000000000', string.format('%09d', number)))
end

local function content(file)
    local opened = assert(io.open(file))
    local text = opened:read('*a')
    opened:close()
    return text
end

local function lines(file)
    local found = {}
    for line in io.lines(file) do found[#found + 1] = line end
    return found
end

local function patch(word, id)
    local operation = word == 'add' and '"op":"add","path":"members","value":[{"value":"' .. id .. '"}]'
        or '"op":"remove","path":"members[value eq \\"' .. id .. '\\"]"'
    return '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{' .. operation .. '}]}'
end

local ways = {}

function ways.create(path, file, first)
    local user, number = content(file), tonumber(first) + thread_number * 10000000
    method, next_path = 'POST', function() return path end
    next_body = function()
        number = number + 1
        return numbered(user, number)
    end
end

function ways.find(path, users)
    math.randomseed(thread_number + 1)
    local filter = path .. '?filter=userName%20eq%20%22u000000000@example.org%22'
    method = 'GET'
    next_path = function() return numbered(filter, math.random(tonumber(users))) end
end

function ways.turns(path, file)
    local ids, count = lines(file), 0
    method, next_path = 'PATCH', function() return path end
    next_body = function()
        count = count + 1
        return patch(count % 2 == 1 and 'add' or 'remove', ids[math.ceil(count / 2) % #ids + 1])
    end
end

-- Each thread has every second member.
function ways.crowd(path, file)
    local ids, at, word = lines(file), thread_number - 1, 'add'
    method, next_path = 'PATCH', function() return path end
    next_body = function()
        at = at + 2
        if at > #ids then at, word = thread_number + 1, word == 'add' and 'remove' or 'add' end
        return patch(word, ids[at])
    end
end

function init(arguments)
    wrk.headers['Authorization'] = 'Bearer ' .. os.getenv('SCIM_KEY')
    wrk.headers['Content-Type'] = 'application/scim+json'
    ways[arguments[1]](arguments[2], arguments[3], arguments[4])
end

function request()
    return wrk.format(method, next_path(), nil, next_body and next_body())
end

function done(summary, latency)
    local errors = summary.errors
    local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout
    print(string.format('measured %.3f %.7f %d %d', summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1e6,
        summary.requests, failed))
end
