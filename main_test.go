package rotatelog_test

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain collects garbage less often, for a fifth of the time: the tests make much
// of it, and little is in use.
func TestMain(m *testing.M) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	os.Exit(m.Run())
}
