//go:build !linux

package memdir

import "testing"

// Run runs the tests, for TestMain to exit with what it returns.
func Run(m *testing.M) int { return m.Run() }
