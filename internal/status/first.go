package status

import (
	"strings"

	"example.com/rotatelog/health"
)

// awaits is what is said of a stream of which nothing has come yet.
const awaits = "for the first fetch"

// firstFetch is a step: what keeps the first fetch.
const firstFetch = "curl -fsS -m 50 https://api.example/live | rotatelog append --one --envelope   (with the address of the API)"

// AwaitsFirst reports whether nothing has come yet, though it could be kept. That is good
// only for who has just set this up.
func (s *Stream) AwaitsFirst() bool {
	return !s.Obscured() && s.Fetched.Last.IsZero() && s.Worst() < health.Error
}

// First says what to do where nothing has come yet. It is no finding of a rule, and has
// neither code nor severity.
func (s *Stream) First() health.Finding {
	return health.Finding{Stream: s.Stream, Text: "No fetch has come yet. Nothing is wrong, and nothing is kept.", Steps: []string{
		firstFetch,
		"rotatelog doctor   (tests all, and ends with lines that do that each minute)",
	}}
}

// BlindSteps returns what to do where nothing is known of a stream.
func (s *Stream) BlindSteps() []string {
	steps := []string{"rotatelog doctor   (shows the settings, and where they are from)"}
	if s.IsNew {
		steps = append(steps, firstFetch)
	}
	return steps
}

// remark is where the command of a step ends, and a remark about it begins.
const remark = "   ("

// Command splits a step into a command, which can be pasted, and a remark about it, which
// may be empty. ok is false if the step is no command but text.
func Command(step string) (command, about string, ok bool) {
	command, about, hasRemark := strings.Cut(step, remark)
	if ok = strings.HasPrefix(command, "rotatelog ") || strings.Contains(command, " | rotatelog "); !ok {
		return step, "", false
	}
	if hasRemark {
		about = "(" + about
	}
	return command, about, true
}

// Typed returns a step whose command of rotatelog is what typed returns of it. Others stay
// as they are.
func Typed(step string, typed func(command string) string) string {
	command, about, ok := Command(step)
	if !ok {
		return step
	}
	before := ""
	if i := strings.Index(command, " | rotatelog "); i >= 0 {
		before, command = command[:i+3], command[i+3:]
	}
	if command = before + typed(command); about != "" {
		return command + remark + strings.TrimPrefix(about, "(")
	}
	return command
}
