//go:build race

package depth

// Race says whether the tests run with the race detector.
const Race = true
