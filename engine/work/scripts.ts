// What is asked of a stream of work in one step of Redis (6.2 or newer), so that nobody changes it in between.
// Invariants: a group that we did not make begins at 0: made at `$` by somebody else, it would seem to have acknowledged what it
// was never given. A consumer of our own, that reads nothing, tells ours from another: it ends with its group. No content of a
// mail leaves Redis by a look.

/** KEYS[1]: the stream. ARGV[1]: the group, ARGV[2]: our consumer's name. @returns 1: the group begins anew */
const ENSURE = `
  local function named(all, name)
    for _, one in ipairs(all) do
      for i = 1, #one, 2 do if one[i] == 'name' and one[i + 1] == name then return one end end
    end
  end
  local function value(told, name)
    for i = 1, #told, 2 do if told[i] == name then return told[i + 1] end end
  end
  local function ensure()
    local group = redis.call('exists', KEYS[1]) == 1 and named(redis.call('xinfo', 'groups', KEYS[1]), ARGV[1])
    if not group then
      redis.call('xgroup', 'create', KEYS[1], ARGV[1], '0', 'mkstream')
    elseif named(redis.call('xinfo', 'consumers', KEYS[1], ARGV[1]), ARGV[2]) then
      return 0
    else
      redis.call('xgroup', 'setid', KEYS[1], ARGV[1], '0')
    end
    redis.call('xgroup', 'createconsumer', KEYS[1], ARGV[1], ARGV[2])
    return 1
  end`;

/** ARGV from 3 on: the entry's fields. @returns its id */
export const ADD = `${ENSURE}
  ensure()
  return redis.call('xadd', KEYS[1], '*', unpack(ARGV, 3))`;

/**
 * ARGV[3]: from which entry on, ARGV[4]: how many at most.
 * @returns whether the group begins anew, the names of its consumers, and of each entry: its id, ledger, event, attempt,
 * standing, deliveries, idle ms, consumer
 */
export const LOOK = `${ENSURE}
  local anew = ensure()
  local entries = redis.call('xrange', KEYS[1], ARGV[3], '+', 'count', ARGV[4])
  local consumers = {}
  for _, one in ipairs(redis.call('xinfo', 'consumers', KEYS[1], ARGV[1])) do
    consumers[#consumers + 1] = value(one, 'name')
  end
  local found = {}
  if #entries == 0 then return { anew, consumers, found } end
  local function order(id)
    local ms, seq = string.match(id, '^(%d+)-(%d+)$')
    return tonumber(ms), tonumber(seq)
  end
  local group = named(redis.call('xinfo', 'groups', KEYS[1]), ARGV[1])
  local ms, seq = order(value(group, 'last-delivered-id'))
  local held = {}
  local all = redis.call('xpending', KEYS[1], ARGV[1])[1]
  if all > 0 then
    for _, one in ipairs(redis.call('xpending', KEYS[1], ARGV[1], entries[1][1], entries[#entries][1], all)) do
      held[one[1]] = one
    end
  end
  for i, entry in ipairs(entries) do
    local id, fields = entry[1], entry[2]
    local of, at = order(id)
    local row = { id, value(fields, 'ledger') or '', value(fields, 'event') or '', value(fields, 'attempt') or '' }
    local one = held[id]
    if one then
      row[5], row[6], row[7], row[8] = 'held', one[4], one[3], one[2]
    elseif of > ms or (of == ms and at > seq) then
      row[5], row[6], row[7], row[8] = 'waiting', 0, 0, ''
    else
      row[5], row[6], row[7], row[8] = 'acknowledged', 0, 0, ''
    end
    found[i] = row
  end
  return { anew, consumers, found }`;

/** ARGV[3]: ms. Consumers that hold nothing and were not there for so long. @returns how many */
export const TIDY = `${ENSURE}
  ensure()
  local removed = 0
  for _, one in ipairs(redis.call('xinfo', 'consumers', KEYS[1], ARGV[1])) do
    local name = value(one, 'name')
    if name ~= ARGV[2] and value(one, 'pending') == 0 and value(one, 'idle') > tonumber(ARGV[3]) then
      redis.call('xgroup', 'delconsumer', KEYS[1], ARGV[1], name)
      removed = removed + 1
    end
  end
  return removed`;
