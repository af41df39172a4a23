//go:build race

package judge_test

// raceEnabled says that the race detector slows this test down.
const raceEnabled = true
