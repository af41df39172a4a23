package main

import (
	runtimemetrics "runtime/metrics"
	"sync"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/apiclient"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/recording"
)

// cost follows what a recording takes. Its zero value has taken nothing. It is safe for concurrent use.
type cost struct {
	traffic apiclient.Traffic

	mu     sync.Mutex
	memory uint64
}

// sum returns what was taken so far, the memory of now included.
func (c *cost) sum() *recording.Cost {
	c.noteMemory()
	c.mu.Lock()
	defer c.mu.Unlock()
	return &recording.Cost{Requests: c.traffic.Requests(), Received: c.traffic.Received(), Memory: c.memory}
}

// noteMemory takes note of what this process has of the operating system's memory, if it never had more.
func (c *cost) noteMemory() {
	samples := []runtimemetrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	runtimemetrics.Read(samples)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.memory = max(c.memory, samples[0].Value.Uint64()-samples[1].Value.Uint64())
}
