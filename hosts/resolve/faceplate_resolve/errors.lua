-- What goes wrong, in one sentence for the artist; and what happens whether or not it does.

local errors = {}

function errors.fail(message)
  error({ faceplate = message }, 0)
end

-- The job goes on without the script; the next run picks it up.
function errors.still_running(message)
  error({ faceplate = message, running = true }, 0)
end

-- Runs `body`, then `after` in any case; returns what `body` does. Of two errors, the first counts.
function errors.finally(body, after)
  local answers = { pcall(body) }
  local cleaned, problem = pcall(after)
  if not answers[1] then error(answers[2], 0) end
  if not cleaned then error(problem, 0) end
  return unpack(answers, 2, 5)
end

return errors
