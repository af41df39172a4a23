//go:build race

package simulator_test

// raced says that the race detector slows this test down.
const raced = true
