//go:build race

package rotatelog

// raceDetector says whether the tests run with the race detector.
const raceDetector = true
