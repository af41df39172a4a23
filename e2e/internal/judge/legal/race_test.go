//go:build race

package legal_test

// raced says that the race detector slows this test down.
const raced = true
