// Package depth says how much a test tries: how many seeds, crash points or
// rounds. Nothing else decides this, and only tests import it.
//
//	go test -short ./...            # the least, for the edit loop
//	go test ./...                   # the usual
//	ROTATELOG_FULL=1 go test ./...  # everything, as .ci/run does
//
// With the race detector, which makes everything ten times slower, tests try as
// little as with -short, whatever the environment says.
package depth

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Variable is the environment variable that asks for everything, if
// [strconv.ParseBool] takes it for true.
const Variable = "ROTATELOG_FULL"

// Short reports whether a test is to try the least.
func Short() bool { return testing.Short() || Race }

// Full reports whether a test is to try everything. It panics if [Variable] is
// neither true nor false, since a run that silently tries less proves less.
func Full() bool {
	value := os.Getenv(Variable)
	if value == "" {
		return false
	}
	full, err := strconv.ParseBool(value)
	if err != nil {
		panic(fmt.Sprintf("%s=%q is neither true nor false; set it to 1, or unset it", Variable, value))
	}
	return full && !Short()
}

// N returns how many of something a test is to try: short with -short or the
// race detector, full with [Variable], and usual otherwise.
func N(short, usual, full int) int {
	switch {
	case Short():
		return short
	case Full():
		return full
	}
	return usual
}

// SkipInShort skips a test of many cases: the few that -short would try prove
// little, and still take too long.
func SkipInShort(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("it tries many cases, and so is left out with -short")
	}
}

// Environ returns the environment for programs that a test starts: without [Variable] and
// all else that begins with ROTATELOG_, which the command would take for settings.
func Environ() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "ROTATELOG_") })
}
