package rotatelog_test

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain collects garbage less often, which saves a fifth of the time: the tests
// make a lot of garbage, and use little memory.
func TestMain(m *testing.M) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	os.Exit(m.Run())
}
